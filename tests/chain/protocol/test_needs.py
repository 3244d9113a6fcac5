"""What is asked of a node in advance, against nodes that lack some of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from eth_account import Account
from fedprotocol.chain.needs import NEEDS, Asked, ProbeResult, probe
from fedprotocol.chain.read.coordinator import Coordinator
from support.deployed import CHAIN_ID, Deployed
from support.evm import Anvil
from support.node_kinds import BUSY, FEES, MISSING, NODES, node, standard, without
from support.proxy import Proxy

ACCOUNT = Account.create().address


@pytest.fixture(scope="module")
def federation() -> Iterator[Deployed]:
    with Anvil() as chain:
        yield Deployed.on(chain)


def examined(federation: Deployed, url: str) -> list[ProbeResult]:
    coordinator = Coordinator.connect(url, federation.contract.address, CHAIN_ID)
    return list(probe(Asked(coordinator, ACCOUNT, confirmations=2)))


def test_a_standard_node_serves_everything(federation: Deployed) -> None:
    before = federation.chain.web3.eth.block_number
    with node(federation.chain.url, standard) as proxy:
        found = examined(federation, proxy.url)
        assert [answer.problem for answer in found] == [""] * len(NEEDS)
        methods = {asked["method"] for asked in proxy.seen}
    assert methods >= {"eth_call", "eth_getLogs", "eth_estimateGas", "eth_sendRawTransaction", "eth_getBlockByNumber"}
    assert federation.chain.web3.eth.block_number == before, "nothing was sent"


@pytest.mark.parametrize("kind", NODES)
def test_what_is_done_without_is_no_lack(federation: Deployed, kind: str) -> None:
    with NODES[kind](federation.chain.url) as proxy:
        found = examined(federation, proxy.url)
    assert not [answer for answer in found if answer.is_missing]


@pytest.mark.parametrize("said", [MISSING, BUSY, 504])
@pytest.mark.parametrize(
    ("methods", "name", "without_it"),
    [
        (("eth_getLogs",), "logs of a range of blocks", False),
        (("eth_getTransactionCount",), "the next nonce, pending ones counted", False),
        (("eth_getTransactionReceipt",), "transactions and receipts by hash", False),
        (("eth_estimateGas",), "eth_estimateGas with 128 KiB", True),
        (("eth_getBalance",), "the balance", True),
        (FEES, "a suggested tip", True),
    ],
)
def test_what_a_node_lacks_is_named(
    federation: Deployed, said: object, methods: tuple[str, ...], name: str, without_it: bool
) -> None:
    with node(federation.chain.url, without(said, *methods)) as proxy:
        lacking = {answer.need.name: answer.is_missing for answer in examined(federation, proxy.url) if answer.problem}
    assert lacking.pop(name) is not without_it
    assert set(lacking) <= {"logs of a block by its hash"}


def test_a_node_that_only_reads_or_takes_no_large_request(federation: Deployed) -> None:
    with node(federation.chain.url, without(MISSING, "eth_sendRawTransaction")) as proxy:
        assert [a.need.name for a in examined(federation, proxy.url) if a.is_missing] == [NEEDS[-1].name]

    def small(asked: dict[str, object]) -> object:
        return 413 if len(str(asked["params"])) > 64_000 else None

    with node(federation.chain.url, small) as small_node:
        assert_refused(small_node, federation)


def assert_refused(proxy: Proxy, federation: Deployed) -> None:
    lacking = {answer.need.name for answer in examined(federation, proxy.url) if answer.problem}
    assert lacking == {need.name for need in NEEDS if "128 KiB" in need.name}
