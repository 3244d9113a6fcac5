"""Calls of a round by the names that docs/gas.md has for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from eth_abi.abi import encode
from eth_utils.abi import collapse_if_tuple, function_abi_to_4byte_selector
from fedexplorer.history.log import Log
from fedexplorer.transactions.calls import decoded
from fedexplorer.transactions.contracts import Contracts
from fedexplorer.transactions.gas import CREATION, ELSEWHERE, UNKNOWN, name_of
from fedexplorer.views.round_gas import calls_of
from fedprotocol.chain.abi import entry
from fedprotocol.chain.read.events import Event

DOCUMENT = Path(__file__).resolve().parents[3] / "docs/gas.md"
CONTRACTS = Contracts("0x" + 40 * "1", "0x" + 40 * "2", "0x" + 40 * "3")
PRIOR, HASH = bytes(32), bytes([1]) * 32


def call(name: str, *args: object) -> bytes:
    function = entry("coordinator", "function", name)
    kinds = [collapse_if_tuple(dict(i)) for i in function["inputs"]]
    return bytes(function_abi_to_4byte_selector(function)) + encode(kinds, args)


def propose(page: int, leaves: int) -> bytes:
    return call("propose", 1, HASH, 7, page, [HASH] * leaves)


@pytest.mark.parametrize(
    ("data", "events", "name"),
    [
        (call("commit", 1, PRIOR, HASH), ["RoundOpened", "Committed"], "commit, the first of a round"),
        (call("commit", 1, PRIOR, HASH), ["Committed"], "commit"),
        (propose(0, 450), ["ProposalPaged", "Proposed"], "propose"),
        (propose(0, 2_048), ["ProposalPaged"], "propose, a page of 2,048"),
        (propose(1, 452), ["ProposalPaged", "Proposed"], "propose, last page of 452"),
        (call("settle", CONTRACTS.token), [], "settle, nothing due"),
        (call("settle", CONTRACTS.token), ["Rewarded"], "settle, a client"),
        (call("settle", CONTRACTS.token), ["RoundFinalized", "Rewarded"], "settle, a round is final"),
        (call("claim"), ["Claimed"], "claim"),
        (call("claim"), ["Rewarded", "Claimed"], "claim, a client not settled"),
        (call("abandon", 1), ["RoundVoided"], "abandon"),
        (call("addStake", 1), ["StakeAdded"], "addStake"),
    ],
)
def test_the_names_are_those_of_the_document(data: bytes, events: list[str], name: str) -> None:
    assert name_of(decoded(CONTRACTS, CONTRACTS.coordinator, data), events) == name
    assert f"| {name} |" in DOCUMENT.read_text()


def test_other_ways() -> None:
    assert name_of(decoded(CONTRACTS, None, b"code"), []) == CREATION
    assert name_of(decoded(CONTRACTS, "0x" + 40 * "9", b"1234"), ["Funded"]) == ELSEWHERE
    assert name_of(decoded(CONTRACTS, CONTRACTS.token, b"1234"), []) == UNKNOWN


def event(name: str, number: int, tx: int) -> Event:
    return Event(name, {"round": number}, tx, bytes(32), bytes([tx]) * 32, 0, 0)


def test_a_call_that_settles_an_earlier_round_is_not_of_that_round() -> None:
    log = Log().extended(
        [
            event("RoundOpened", 1, 1),
            event("Committed", 1, 1),
            event("RoundFinalized", 1, 2),
            event("RoundOpened", 2, 2),
            event("Committed", 2, 2),
            event("Rewarded", 1, 3),
            event("Revealed", 2, 3),
            event("Rewarded", 1, 4),
            event("Rewarded", 2, 4),
        ]
    )
    assert [tx[0] for tx, _ in calls_of(log, 1)] == [1, 4]  # 4 is a settlement, which names no round
    assert [tx[0] for tx, _ in calls_of(log, 2)] == [2, 3, 4]
