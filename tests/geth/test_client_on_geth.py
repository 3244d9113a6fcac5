"""The client on a real geth: one round of two clients, by its own clock; what it answers, and what it is asked for."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from fedprotocol.chain.abi import load
from fedprotocol.chain.errors import ContractReverted
from fedprotocol.chain.needs import Asked, probe
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.chain.read.snapshot import take_snapshot
from fedprotocol.chain.send.sender import Sender
from fedprotocol.journal import Journal
from fedprotocol.types import Phase
from support.deployed import GENESIS, Deployed
from support.geth import Geth, needs_geth
from support.geth import geth as geth  # a fixture

pytestmark = needs_geth


@pytest.fixture(scope="module")
def federation(geth: Geth) -> Deployed:
    return Deployed.on(geth, challengeLength=3, minWindow=1)


def test_everything_a_conviction_takes_is_served(federation: Deployed) -> None:
    coordinator = federation.coordinator()
    found = list(probe(Asked(coordinator, federation.account().address, confirmations=2)))
    assert [(answer.need.name, answer.problem) for answer in found if answer.problem] == []


def test_the_lens_at_pending_and_in_the_past(federation: Deployed) -> None:
    coordinator, account = federation.coordinator(), federation.chain.accounts[0]
    now = take_snapshot(coordinator, account)
    assert now.block >= coordinator.web3.eth.block_number
    then = take_snapshot(coordinator, account, now.block - 1)
    assert (then.block, then.config) == (now.block - 1, now.config)
    assert load("lens_query")


def test_a_round_by_its_own_clock(federation: Deployed, tmp_path: Path) -> None:
    coordinator = federation.coordinator()
    calls, salt, roots = coordinator.calls, os.urandom(32), (b"A" * 32, b"B" * 32)
    senders = [
        Sender(coordinator.web3, federation.account(10**19), Journal(tmp_path / f"{i}.sqlite")) for i in range(2)
    ]
    for s in senders:
        coordinator.token.ensure_allowance(s, coordinator.address, 5_000)
        s.send(calls.join(1_000), "join")
    coordinator.token.ensure_allowance(senders[0], coordinator.address, 4_000)
    senders[0].send(calls.fund(3_000), "fund")
    coordinator.token.ensure_allowance(senders[0], coordinator.address, 5_000)
    with pytest.raises(ContractReverted, match=r"AlreadySeated"):
        senders[0].send(calls.join(1_000), "join again")
    for s, root in zip(senders, roots, strict=True):
        digest = coordinator.commit_hash(1, s.address, GENESIS, root, 1, 50, salt)
        s.send(calls.commit(1, GENESIS, digest), "commit")
    reached(coordinator, Phase.REVEAL)
    for s, root in zip(senders, roots, strict=True):
        s.send(calls.reveal(1, root, 1, 50, salt, 2, 1), "reveal")
    reached(coordinator, Phase.ATTEST)
    for s in senders:
        s.send(calls.attest(1, coordinator.round_view(1).inputs_hash, 0b11), "attest")
    reached(coordinator, Phase.AGGREGATE)
    view = coordinator.round_view(1)
    page = calls.propose(1, view.inputs_hash, view.accepted_mask, 0, [b"x" * 32, b"y" * 32])
    senders[0].send(page, "propose")
    reached(coordinator, Phase.FINAL)
    senders[0].send(calls.claim(), "claim")
    with EventIndex(coordinator) as index:
        index.sync()
        names = {event.name for event in index.events()}
        assert names >= {"Joined", "Committed", "Revealed", "Attested", "ProposalPaged", "Proposed", "RoundFinalized"}
        [proposal] = index.events(("ProposalPaged",))
        assert proposal.args["digests"] in ([b"x" * 32, b"y" * 32], (b"x" * 32, b"y" * 32))


def reached(coordinator: object, phase: Phase) -> None:
    deadline = time.monotonic() + 60
    while coordinator.round_view(1).phase is not phase:  # type: ignore[attr-defined]
        assert time.monotonic() < deadline
        time.sleep(0.2)
