"""The client against the real coordinator: a whole round through Sender, snapshots and events."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from fedprotocol import types
from fedprotocol.chain.abi import load, snake
from fedprotocol.chain.errors import ChainError, ContractReverted, RpcRefused
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.events import BlockTimes, scan
from fedprotocol.chain.read.snapshot import Snapshot, take_snapshot
from fedprotocol.chain.send.sender import Sender
from fedprotocol.types import Phase
from support.deployed import CHAIN_ID, GENESIS, Deployed, sender
from support.evm import Anvil


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil() as chain:
        yield chain


@pytest.fixture(scope="module")
def played(chain: Anvil, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One round of two clients, from joining to the claim; what was seen on the way."""
    home = tmp_path_factory.mktemp("round")
    federation = Deployed.on(chain)
    coordinator = federation.coordinator()
    accounts = [federation.account() for _ in range(2)]
    senders = [sender(chain, a, home / f"{i}.sqlite") for i, a in enumerate(accounts)]
    calls = coordinator.calls
    seen: dict[str, Any] = {"coordinator": coordinator, "senders": senders, "start": chain.web3.eth.block_number}

    def look(name: str) -> Snapshot:
        seen[name] = take_snapshot(coordinator, accounts[0].address)
        return seen[name]

    look("empty")
    for s in senders:
        coordinator.token.ensure_allowance(s, coordinator.address, 5000)
        s.send(calls.join(1000), "join")
    coordinator.token.ensure_allowance(senders[0], coordinator.address, 4000)
    senders[0].send(calls.fund(3000), "fund")
    coordinator.token.ensure_allowance(senders[0], coordinator.address, 5000)
    look("joined")

    root = [bytes([65 + i]) * 32 for i in range(2)]
    salt = os.urandom(32)
    for i, s in enumerate(senders):
        digest = coordinator.commit_hash(1, s.address, GENESIS, root[i], i, 50 + i, salt)
        s.send(calls.commit(1, GENESIS, digest), "commit")
        if i == 0:
            look("train")
    chain.set_time(chain.now() + 1)
    look("reveal")
    for i, s in enumerate(senders):
        s.send(calls.reveal(1, root[i], i, 50 + i, salt, 2_000_000, 1_000_000), "reveal")
    chain.set_time(chain.now() + 1)
    attest = look("attest")
    for s in senders:
        s.send(calls.attest(1, attest.rounds[-1].view.inputs_hash, 0b11), "attest")
    chain.set_time(chain.now() + 1)
    view = look("aggregate").rounds[-1].view
    page = calls.propose(1, view.inputs_hash, view.accepted_mask, 0, [b"x" * 32, b"y" * 32])
    seen["propose"] = senders[0].send(page, "propose")
    challenge = look("challenge")
    chain.set_time(challenge.rounds[-1].view.phase_end)
    look("final")
    senders[0].send(calls.settle(accounts[0].address), "settle")
    look("settled")
    senders[0].send(calls.claim(), "claim")
    look("claimed")
    seen["end"] = chain.web3.eth.block_number
    return seen


def test_commit_hash_is_the_contracts(played: dict[str, Any]) -> None:
    """The reveals would have reverted with CommitMismatch otherwise."""
    assert [u.root for u in played["attest"].rounds[-1].updates] == [b"A" * 32, b"B" * 32]


def test_snapshots_follow_the_round(played: dict[str, Any]) -> None:
    empty, joined, train = played["empty"], played["joined"], played["train"]
    assert (empty.rounds, empty.last_opened, empty.latest_final) == ((), 0, (0, GENESIS))
    assert empty.chain_id == CHAIN_ID
    assert empty.my_seat.active_from == 0
    assert (joined.active_count, joined.balances.pool, joined.balances.stakes) == (2, 3000, 2000)
    assert joined.my_seat.active_in(1)
    assert joined.my_seat.stake == 1000
    assert joined.allowance == 5000
    assert train.rounds[0].view.phase is Phase.TRAIN
    assert train.rounds[0].my_commitment is not None
    assert train.rounds[0].my_commitment.prior_root == GENESIS
    assert train.rounds[0].my_index is None
    assert [played[p].rounds[-1].view.phase for p in ("reveal", "attest", "aggregate", "challenge", "final")] == [
        Phase.REVEAL,
        Phase.ATTEST,
        Phase.AGGREGATE,
        Phase.CHALLENGE,
        Phase.FINAL,
    ]
    attest = played["attest"].rounds[-1]
    assert attest.my_index == 0
    assert [(u.weight, u.shift) for u in attest.updates] == [(50, 0), (51, 1)]
    assert played["challenge"].rounds[-1].proposals[0].bond == played["attest"].bond == 250
    assert played["challenge"].bond == 250, "others' proposals make one's own no dearer"
    assert played["final"].latest_final == (1, played["final"].rounds[-1].view.global_root)
    settled, claimed = played["settled"], played["claimed"]
    assert settled.my_owed == 100 + 250 + 900 * 50 // 101, "aggregator's part, bond, client's part"
    assert (played["final"].settled_owed, played["final"].settled_seat) == (settled.my_owed, settled.my_seat)
    assert played["final"].my_owed == 0, "nothing was settled by looking"
    assert settled.balances.owed == settled.my_owed + 900 * 51 // 101
    assert claimed.my_owed == 0
    assert claimed.tokens == settled.tokens + settled.my_owed


def test_snapshot_equals_the_single_reads(played: dict[str, Any]) -> None:
    coordinator: Coordinator = played["coordinator"]
    snapshot = take_snapshot(coordinator, played["senders"][0].address)
    account = snapshot.account
    assert snapshot.config == coordinator.config()
    assert snapshot.balances == coordinator.balances()
    assert snapshot.my_seat == coordinator.seat(account)
    assert snapshot.my_owed == coordinator.owed(account)
    assert snapshot.latest_final == coordinator.latest_final()
    assert (snapshot.final_count, snapshot.last_opened, snapshot.closed, snapshot.active_count) == (
        coordinator.final_count(),
        coordinator.last_opened(),
        coordinator.is_closed(),
        coordinator.active_count(),
    )
    assert snapshot.tokens == coordinator.token.balance_of(account)
    assert snapshot.allowance == coordinator.token.allowance(account, coordinator.address)
    assert snapshot.eth == coordinator.web3.eth.get_balance(account)
    state = snapshot.rounds[-1]
    assert state == snapshot.round(1)
    assert snapshot.round(2) is None
    assert state.view == coordinator.round_view(1)
    assert state.updates == coordinator.updates(1)
    assert state.updates[1] == coordinator.update(1, 1)
    assert state.proposals == coordinator.proposals(1)
    assert state.my_commitment == coordinator.commitment(1, account)
    assert state.my_index == coordinator.update_index(1, account) == 0
    assert coordinator.update_index(1, coordinator.address) is None
    assert state.my_pages == coordinator.pages_of(1, account)
    assert snapshot.bond == coordinator.bond_of(account)
    assert snapshot.bond_due == coordinator.bond_due(account) == 0
    assert set(snapshot.seated) == set(coordinator.clients()) == {s.address for s in played["senders"]}


def test_events_tell_the_round(played: dict[str, Any]) -> None:
    coordinator: Coordinator = played["coordinator"]
    events = list(scan(coordinator, played["start"], played["end"]))
    names = [e.name for e in events]
    for name in ("Joined", "Funded", "RoundOpened", "Committed", "Revealed", "Attested", "ProposalPaged", "Proposed"):
        assert name in names
    assert names.count("Committed") == 2
    final = next(e for e in events if e.name == "RoundFinalized")
    assert final.args["round"] == 1
    assert final.args["aggregator"] == played["senders"][0].address
    assert final.args["root"] == played["final"].latest_final[1]
    assert type(final.args["root"]) is bytes
    assert final.time == coordinator.web3.eth.get_block(final.block)["timestamp"]
    assert [(e.block, e.log_index) for e in events] == sorted((e.block, e.log_index) for e in events)
    assert [e.args["root"] for e in scan(coordinator, 0, played["end"], names=["Revealed"])] == [b"A" * 32, b"B" * 32]
    with pytest.raises(ChainError, match="no event Nonsense"):
        next(scan(coordinator, 0, 1, names=["Nonsense"]))


def test_scan_halves_on_refusal_and_grows_again(played: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that allows three blocks a request, as public ones do, only stricter."""
    coordinator: Coordinator = played["coordinator"]
    whole = list(scan(coordinator, 0, played["end"]))
    asked = []
    ask = coordinator.web3.provider.make_request

    def strict(method: Any, params: Any) -> Any:
        if method == "eth_getLogs":
            span = int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1
            asked.append(span)
            if span > 3:
                return {"jsonrpc": "2.0", "id": 1, "error": {"code": -32005, "message": "block range too large"}}
        return ask(method, params)

    times = BlockTimes(coordinator)
    monkeypatch.setattr(coordinator.web3.provider, "make_request", strict)
    coordinator.web3.provider._request_func_cache = (None, None)  # type: ignore[attr-defined]
    assert list(scan(coordinator, 0, played["end"], times=times)) == whole
    assert max(s for s in asked if s <= 3) > 1
    assert len([s for s in asked if s > 3]) > 1

    def refuse(*_: Any) -> Any:
        return {"jsonrpc": "2.0", "id": 1, "error": {"code": -32005, "message": "no logs here"}}

    monkeypatch.setattr(coordinator.web3.provider, "make_request", refuse)
    coordinator.web3.provider._request_func_cache = (None, None)  # type: ignore[attr-defined]
    with pytest.raises(RpcRefused, match="no logs here"):
        list(scan(coordinator, 0, played["end"]))
    coordinator.web3.provider._request_func_cache = (None, None)  # type: ignore[attr-defined]


def test_refusals_are_sentences(played: dict[str, Any]) -> None:
    coordinator: Coordinator = played["coordinator"]
    mine: Sender = played["senders"][0]
    nonce = coordinator.web3.eth.get_transaction_count(mine.address)
    with pytest.raises(ContractReverted, match="early or too late") as late:
        mine.send(coordinator.calls.reveal(1, b"A" * 32, 0, 50, b"s" * 32, 0, 0), "reveal round 1")
    assert late.value.name == "WrongPhase"
    assert late.value.arguments == {"round": 1, "expected": Phase.REVEAL, "actual": Phase.FINAL}
    assert str(late.value).startswith("reveal round 1: round 1 is in Final, and this belongs to Reveal")
    with pytest.raises(ContractReverted, match="nothing is owed"):
        mine.send(coordinator.calls.claim(), "claim")
    with pytest.raises(ContractReverted, match=r"ERC20InsufficientAllowance|may take"):
        mine.send(coordinator.calls.fund(10**20), "fund")
    with pytest.raises(ContractReverted, match="ZeroAmount"):
        mine.send(coordinator.calls.fund(0), "fund")
    assert coordinator.web3.eth.get_transaction_count(mine.address) == nonce, "nothing was sent"


def test_reads_are_at_pending(chain: Anvil, tmp_path: Path) -> None:
    """On a quiet chain the phase moves with the clock, though no block comes."""
    federation = Deployed.on(chain, trainLength=600)
    coordinator = federation.coordinator()
    accounts = [federation.account() for _ in range(2)]
    for i, account in enumerate(accounts):
        s = sender(chain, account, tmp_path / f"{i}.sqlite")
        coordinator.token.ensure_allowance(s, coordinator.address, 3000)
        s.send(coordinator.calls.join(1000), "join")
    s.send(coordinator.calls.fund(2000), "fund")
    s.send(coordinator.calls.open(), "open")
    before = take_snapshot(coordinator, s.address)
    chain.rpc("evm_increaseTime", 601)
    after = take_snapshot(coordinator, s.address)
    assert (before.rounds[0].view.phase, after.rounds[0].view.phase) == (Phase.TRAIN, Phase.VOID)
    assert coordinator.round_view(1).phase is Phase.VOID
    assert coordinator.round_view(1, "latest").phase is Phase.TRAIN
    assert after.block == before.block


@pytest.mark.parametrize(
    "name", ["FederationConfig", "Seat", "RoundView", "Commitment", "Update", "Proposal", "Balances"]
)
def test_dataclasses_mirror_the_structs(name: str) -> None:
    struct = {"FederationConfig": "Config"}.get(name, name)
    components = next(
        output["components"]
        for e in (*load("coordinator"), *load("lens"))
        for output in e.get("outputs", ())
        if output["internalType"].removesuffix("[]") == f"struct IFederationTypes.{struct}"
    )
    assert [f.name for f in fields(getattr(types, name))] == [snake(c["name"]) for c in components]


@pytest.mark.parametrize("name", ["Phase", "VoidReason", "PenaltyReason"])
def test_enums_mirror_the_solidity(name: str) -> None:
    text = (Path(__file__).parents[3] / "interfaces/IFederationTypes.sol").read_text()
    body = text.split(f"enum {name} {{")[1].split("}")[0]
    solidity = [line.split("//")[0].strip().rstrip(",") for line in body.splitlines()]
    assert [m.name for m in getattr(types, name)] == [snake(s).upper() for s in solidity if s]


def test_shipped_abis_are_complete() -> None:
    folder = Path(__file__).parents[3] / "interfaces"
    text = "".join((folder / f"{name}.sol").read_text() for name in ("IFederationTypes", "IFederationCoordinator"))
    for kind in ("error", "event", "function"):
        declared = {line.split(f"{kind} ")[1].split("(")[0] for line in text.splitlines() if f"    {kind} " in line}
        assert {e["name"] for e in load("coordinator") if e["type"] == kind} == declared
    assert json.dumps(load("lens_query")).startswith('"0x60')
