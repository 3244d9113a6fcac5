"""What each call costs, in a small federation and in the largest one; the figures are printed at the end of the run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from eth_utils.crypto import keccak
from fedprotocol.chain.types import FederationConfig, Phase
from fedprotocol.hashes import commit_hash
from support.evm import Anvil, compiled
from support.federation import CONFIG, Call, Deployed, Done
from support.histories import digests, global_root

SIZE_LIMIT = 24_576  # EIP-170
TRANSACTION_LIMIT = 1 << 24  # EIP-7825
SALT = b"\7" * 32

Record = Callable[[str, object], None]


class Meter:
    """Calls on a federation, each of which must succeed; remembers the dearest of each kind."""

    def __init__(self, deployed: Deployed) -> None:
        self.deployed = deployed
        self.gas: defaultdict[str, int] = defaultdict(int)
        self.now = deployed.now()

    def block(self, label: str, *calls: Call, at: int | None = None) -> None:
        self.now = at or self.now + 1
        for call, outcome in zip(calls, self.deployed.block(calls, self.now), strict=True):
            assert isinstance(outcome, Done), f"{call}: {outcome}"
            self.gas[label] = max(self.gas[label], outcome.gas)

    def each(self, label: str, calls: Sequence[Call], size: int = 32) -> None:
        for start in range(0, len(calls), size):
            self.block(label, *calls[start : start + size])

    def view(self, name: str, *args: Any) -> Any:
        return self.deployed.view(name, *args)

    def opening(self, number: int, client: str) -> tuple[bytes, int, int, bytes]:
        return keccak(text=f"{client} {number}"), 12, 100, SALT

    def commits(self, number: int, clients: Sequence[str], prior: bytes) -> list[Call]:
        d = self.deployed
        hashes = {c: commit_hash(d.chain_id, d.address, number, c, prior, *self.opening(number, c)) for c in clients}
        return [Call(c, "commit", (number, prior, hash_)) for c, hash_ in hashes.items()]

    def reveals(self, number: int, clients: Sequence[str]) -> list[Call]:
        return [Call(c, "reveal", (number, *self.opening(number, c), 4_170_000, 1_750_000)) for c in clients]

    def attests(self, number: int, clients: Sequence[str]) -> list[Call]:
        view = self.view("round_view", number)
        return [Call(c, "attest", (number, view.inputs_hash, (1 << view.revealed) - 1)) for c in clients]


@pytest.fixture(scope="module")
def roomy() -> Iterator[Anvil]:
    """Accounts for the largest federation, blocks for all their calls."""
    options = (
        "--order",
        "fifo",
        "--base-fee",
        "0",
        "--gas-price",
        "0",
        "--gas-limit",
        "600000000",
        "--accounts",
        "258",
    )
    with Anvil(*options) as chain:
        yield chain


def test_the_code_fits_a_contract(record_property: Record) -> None:
    size = len(bytes.fromhex(compiled("FederationCoordinator")["bin-runtime"]))
    record_property("coordinator: bytes of code", size)
    assert size <= SIZE_LIMIT


def test_gas_of_a_small_federation(chain: Anvil, record_property: Record) -> None:
    """Four clients; the demo's adapter (450 leaves) and one of more than a page (2,500)."""
    meter = small(chain, replace(CONFIG, leaf_count=450))
    d = meter.deployed
    sponsor, *clients, aggregator, rival, idle = d.accounts[:8]
    outsider = d.accounts[8]
    meter.block("fund", Call(sponsor, "fund", (8_000,)))
    meter.each("join", [Call(c, "join", (400,)) for c in [*clients, idle]], size=1)
    genesis = d.config.genesis_root
    first, *rest = meter.commits(1, clients, genesis)
    meter.block("commit, opening", first)
    meter.each("commit", rest, size=1)
    meter.block("settle, nothing due", Call(outsider, "settle", (outsider,)), at=meter.now + 100)
    meter.each("reveal", meter.reveals(1, clients), size=1)
    meter.each("attest, 4 updates", meter.attests(1, clients), size=1)
    meter.block("propose, 450 leaves", Call(rival, "propose", (1, 0, digests(1, 450))))
    meter.block("convict", Call(d.config.disputes, "convict", (1, global_root(1, 450), outsider)))
    meter.block("propose, 450 leaves", Call(aggregator, "propose", (1, 0, digests(0, 450))))
    root = global_root(0, 450)
    opening, *more = meter.commits(2, clients, root)
    meter.block("commit, opening", opening)
    meter.each("commit", more, size=1)
    meter.block("first call after final", Call(outsider, "settle", (outsider,)), at=meter.now + 50)
    meter.block("claim, aggregator", Call(aggregator, "claim"))
    meter.block("settle a client", Call(outsider, "settle", (clients[0],)))
    meter.block("claim, settling", Call(clients[1], "claim"))
    meter.block("settle, nothing due", Call(outsider, "settle", (outsider,)), at=meter.now + 50)
    meter.each("reveal", meter.reveals(2, clients), size=1)
    meter.each("attest, 4 updates", meter.attests(2, clients), size=1)
    meter.block("abandon", Call(outsider, "abandon", (2,)), at=meter.now + 300)
    meter.block("exit", Call(idle, "exit"))
    meter.block("withdraw", Call(idle, "withdraw"))
    meter.block("addStake", Call(clients[0], "add_stake", (10,)))
    for label, gas in meter.gas.items():
        record_property(f"gas: {label}", gas)
        assert gas < TRANSACTION_LIMIT


def small(chain: Anvil, config: FederationConfig) -> Meter:
    return Meter(Deployed(chain, replace(config, max_clients=6)))


def test_gas_of_a_page(chain: Anvil, record_property: Record) -> None:
    meter = small(chain, replace(CONFIG, leaf_count=2_500))
    clients = meter.deployed.accounts[1:3]
    meter.block("", Call(clients[0], "fund", (2_000,)), *(Call(c, "join", (400,)) for c in clients))
    for calls in (meter.commits(1, clients, meter.deployed.config.genesis_root), meter.reveals(1, clients)):
        meter.block("", *calls)
    meter.block("", *meter.attests(1, clients))
    leaves = digests(0, 2_500)
    meter.block("propose, a page of 2,048", Call(clients[0], "propose", (1, 0, leaves[:2048])))
    meter.block("propose, last page of 452", Call(clients[0], "propose", (1, 1, leaves[2048:])))
    for label in ("propose, a page of 2,048", "propose, last page of 452"):
        record_property(f"gas: {label}", meter.gas[label])
        assert meter.gas[label] < TRANSACTION_LIMIT
    assert meter.view("proposals", 1)[0].root == global_root(0, 2_500)


def test_the_largest_federation_stays_far_below_a_transactions_limit(roomy: Anvil, record_property: Record) -> None:
    """256 clients, all of whom reveal and vouch for all; eight live proposals."""
    config = replace(
        CONFIG, max_clients=256, min_clients=256, train_length=3_000, reveal_length=3_000, attest_length=3_000
    )
    meter = Meter(Deployed(roomy, config))
    sponsor, *clients = meter.deployed.accounts[:257]
    meter.block("fund", Call(sponsor, "fund", (8_000,)))
    meter.each("join", [Call(c, "join", (400,)) for c in clients])
    meter.each("commit", meter.commits(1, clients, config.genesis_root))
    meter.each("reveal", meter.reveals(1, clients))
    meter.each("attest, 256 updates", meter.attests(1, clients))
    view = meter.view("round_view", 1)
    assert (view.phase, view.accepted_mask, view.total_weight) == (Phase.AGGREGATE, 2**256 - 1, 25_600)
    assert {u.yes for u in meter.view("updates", 1)} == {25_600}
    for label, proposer in enumerate(clients[:8]):
        meter.block("propose", Call(proposer, "propose", (1, 0, digests(label, 2))))
    meter.block("settlement, 256 clients, 8 bonds", Call(sponsor, "settle", (clients[255],)), at=meter.now + 50)
    assert meter.view("owed", clients[255]) == 904 * 100 // 25_600
    for label in ("join", "commit", "reveal", "attest, 256 updates", "settlement, 256 clients, 8 bonds"):
        record_property(f"gas, 256 clients: {label.partition(',')[0]}", meter.gas[label])
    assert max(meter.gas.values()) < TRANSACTION_LIMIT // 4
