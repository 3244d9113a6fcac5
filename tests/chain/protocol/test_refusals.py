"""What a node answers, after bug reports about other programs: a limit in any form is the node's and the next one is
asked, a revert in any form is the contract's and nobody else is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from fedprotocol.chain.endpoint.refusals import SENDS
from fedprotocol.chain.endpoint.rpc import FallbackProvider, connect_web3
from fedprotocol.chain.errors import ChainUnreachable, ContractReverted, RpcRefused, translated
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.token import Token
from fedprotocol.chain.send.fees import GWEI, FeePolicy
from fedprotocol.chain.send.sender import LOOKS, Sender
from fedprotocol.journal import Journal
from support.deployed import CHAIN_ID, Deployed
from support.node_kinds import node, without
from support.proxy import Proxy
from support.sending import outbox, transfer
from web3.types import RPCEndpoint

LIMITS = [
    {"code": -32016, "message": "over rate limit"},
    {"code": -32007, "message": "50/second request limit reached"},
    {"code": -32011, "message": "request limit reached"},
    {"code": -32029, "message": "Too many requests"},
    {"code": -32097, "message": "rate limit reached"},
    {"code": -32603, "message": "request failed or timed out"},
    {"code": -32000, "message": "429 Too Many Requests: over rate limit"},
    {"code": -32000, "message": "header not found"},
    {"code": 429, "message": "slow down", "data": {"see": "https://example.org", "rate": {"backoff_seconds": 30}}},
    {"code": -32005, "message": "daily request count exceeded", "data": None},
    {"code": "-32005", "message": "a code that is no number"},
    {"message": "no code"},
    {"code": -32000},
    {},
]
STATUSES = [429, 500, 503]
EMPTY = "0x"


@pytest.fixture
def limited(federation: Deployed, request: pytest.FixtureRequest) -> Iterator[Proxy]:
    """It answers `request.param` to everything but the question which chain it serves."""
    with node(federation.chain.url, lambda a: None if a["method"] == "eth_chainId" else request.param) as proxy:
        yield proxy


@pytest.mark.parametrize("limited", LIMITS, indirect=True)
def test_a_limit_in_any_form_is_not_the_last_word(
    federation: Deployed, limited: Proxy, account: LocalAccount, token: Token, journal: Path
) -> None:
    both = connect_web3([limited.url, federation.chain.url], CHAIN_ID)
    coordinator = Coordinator(both, federation.contract.address, CHAIN_ID)
    assert coordinator.last_opened() == 0 and coordinator.config().total_rounds == 3
    assert both.eth.get_balance(account.address) == 10**18
    assert list(both.eth.get_logs({"fromBlock": 0, "toBlock": 0})) == []
    s = Sender(both, account, Journal(journal), FeePolicy(poll=0.05))
    assert s.send(transfer(Token(both, token.address), 1), "transfer")["status"] == 1
    alone = connect_web3(limited.url, CHAIN_ID)
    with pytest.raises(RpcRefused), translated():
        alone.eth.get_balance(account.address)
    with pytest.raises(RpcRefused, match="the node refused") as refused:
        Coordinator(alone, federation.contract.address, CHAIN_ID).last_opened()
    assert "use another node" not in str(refused.value)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("body", [b"slow down", b'{"message": "Too Many Requests"}', b'{"error": "rate limited"}', b""])
def test_a_limit_of_http(federation: Deployed, status: int, body: bytes) -> None:
    with Proxy(federation.chain.url, response=lambda _: (status, body)) as proxy:
        assert connect_web3([proxy.url, federation.chain.url], CHAIN_ID).eth.block_number
        with pytest.raises(ChainUnreachable, match=str(status) if b"error" not in body else "rate limited"):
            connect_web3(proxy.url, CHAIN_ID)


REVERT = "0x08c379a0" + (32).to_bytes(32).hex() + (2).to_bytes(32).hex() + b"no".ljust(32, b"\0").hex()
REVERTS = [
    {"code": 3, "message": "execution reverted", "data": EMPTY},
    {"code": 3, "message": "execution reverted: no", "data": REVERT},
    {"code": -32000, "message": "execution reverted", "data": EMPTY},
    {"code": -32015, "message": "VM execution error.", "data": f"Reverted {REVERT}"},
    {"code": -32015, "message": "VM execution error.", "data": REVERT},
    {"code": -32603, "message": "VM Exception while processing transaction: reverted", "data": {"data": REVERT}},
    {"code": -32603, "message": "Internal JSON-RPC error.", "data": {"originalError": {"data": REVERT}}},
]


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("error", REVERTS)
def test_a_revert_in_any_form_is_the_contracts(
    federation: Deployed, token: Token, error: dict[str, Any], status: int
) -> None:
    def reverting(answer: dict[str, Any]) -> Any:
        is_call = proxy.seen[-1]["method"] == "eth_call"
        return (status, json.dumps({"jsonrpc": "2.0", "id": 1, "error": error}).encode()) if is_call else answer

    with Proxy(federation.chain.url, response=reverting) as proxy, Proxy(federation.chain.url) as other:
        there = Token(connect_web3([proxy.url, other.url], CHAIN_ID), token.address)
        with pytest.raises(ContractReverted):
            there.decimals()
        assert not other.seen, "nobody else need be asked"


def test_a_revert_that_hides_its_data_is_asked_of_the_next(federation: Deployed) -> None:
    bare = without({"code": -32000, "message": "execution reverted"}, "eth_call")
    with node(federation.chain.url, bare) as proxy:
        both = connect_web3([proxy.url, federation.chain.url], CHAIN_ID)
        coordinator = Coordinator(both, federation.contract.address, CHAIN_ID)
        assert coordinator.last_opened() == 0
        alone = Coordinator(connect_web3(proxy.url, CHAIN_ID), coordinator.address, CHAIN_ID)
        with pytest.raises(RpcRefused, match="use another node"):
            alone.last_opened()
        with pytest.raises(ContractReverted):
            alone.config()


def test_the_answer_that_is_most_likely_the_chains(federation: Deployed) -> None:
    """Of all that refuse; and an endpoint that is silent is no answer."""
    limit, revert = LIMITS[0], {"code": -32000, "message": "execution reverted"}
    with (
        Proxy(federation.chain.url, response=lambda a: a if "31337" in str(int(str(a["result"]), 16)) else None) as cut,
        node(federation.chain.url, without(limit, "eth_call")) as busy,
        node(federation.chain.url, without(revert, "eth_call")) as bare,
    ):
        for urls in ([busy.url, bare.url, cut.url], [cut.url, bare.url, busy.url]):
            answer = FallbackProvider(urls, CHAIN_ID).make_request(RPCEndpoint("eth_call"), [{}, "latest"])
            assert answer["error"]["message"] == "execution reverted"


# ------------------------------------------------------------------------ what is sent


CAP = {"code": -32000, "message": "tx fee (1.35 ether) exceeds the configured cap (1.00 ether)"}


def capped_node(federation: Deployed) -> Proxy:
    """No transaction gets behind it."""
    proxy = node(federation.chain.url, without(CAP, SENDS))
    proxy.request = lambda asked: {**asked, "method": "eth_nonsense"} if asked["method"] == SENDS else asked
    return proxy


def test_a_transaction_that_one_endpoint_does_not_take(
    federation: Deployed, account: LocalAccount, token: Token, journal: Path
) -> None:
    with capped_node(federation) as capped:
        web3 = connect_web3([capped.url, federation.chain.url], CHAIN_ID)
        s = Sender(web3, account, Journal(journal), FeePolicy(poll=0.05))
        assert s.send(transfer(token, 1), "transfer")["status"] == 1
        assert len([asked for asked in capped.seen if asked["method"] == SENDS]) == 1
        alone = Sender(connect_web3(capped.url, CHAIN_ID), account, s._journal, FeePolicy(poll=0.05))
        with pytest.raises(RpcRefused, match=r"exceeds the configured cap \(1.00 ether\)"):
            alone.send(transfer(token, 2), "transfer")
        assert len([asked for asked in capped.seen if asked["method"] == SENDS]) == 2 + LOOKS
    assert [(tx.nonce, tx.state) for tx in outbox(s)] == [(0, "mined"), (1, "lost")]
    assert s.send(transfer(token, 3), "transfer")["status"] == 1
    assert outbox(s)[-1].nonce == 1, "the nonce was free"


@pytest.mark.parametrize("said", [LIMITS[0], LIMITS[5], {"code": -1, "message": "tx already exists in cache"}, 504])
def test_a_transaction_that_is_taken_and_not_said_so(
    federation: Deployed, account: LocalAccount, token: Token, journal: Path, said: Any
) -> None:
    """It is in the pool, or in a block, whatever the answer was: it is not sent twice."""
    before = token.balance_of(account.address)
    with node(federation.chain.url, without(said, SENDS)) as proxy:
        s = Sender(connect_web3(proxy.url, CHAIN_ID), account, Journal(journal), FeePolicy(poll=0.05))
        if said == 504:
            with pytest.raises(ChainUnreachable):
                s.send(transfer(token, 5), "transfer")
            s.resume()
        else:
            assert s.send(transfer(token, 5), "transfer")["status"] == 1
    assert [tx.state for tx in outbox(s)] == ["mined"]
    assert token.balance_of(account.address) == before - 5


def test_what_was_given_up_and_mined_after_all_is_not_done_twice(
    federation: Deployed, account: LocalAccount, token: Token, journal: Path
) -> None:
    """The endpoint passed on what it said it would not take; the same call, asked for again, is that one."""
    chain, before = federation.chain, token.balance_of(account.address)
    with capped_node(federation) as proxy:
        s = Sender(connect_web3(proxy.url, CHAIN_ID), account, Journal(journal), FeePolicy(poll=0.05))
        with pytest.raises(RpcRefused, match="configured cap"):
            s.send(transfer(token, 5), "transfer")
    [lost] = outbox(s)
    assert lost.state == "lost"
    other_fees = FeePolicy(poll=0.05, min_tip=2 * GWEI)  # with the same it would be the same transaction
    s = Sender(connect_web3(chain.url, CHAIN_ID), account, s._journal, other_fees)
    add = s._journal.outbox_add

    def late(tx: Any) -> None:
        add(tx)
        if tx.nonce == 0:
            chain.rpc("eth_sendRawTransaction", "0x" + lost.raw.hex())

    s._journal.outbox_add = late  # type: ignore[method-assign]
    assert s.send(transfer(token, 5), "transfer")["status"] == 1
    assert token.balance_of(account.address) == before - 5
    assert s.send(transfer(token, 6), "another call is sent")["status"] == 1
    assert token.balance_of(account.address) == before - 11
