"""When a node acts against silent seats: not while they may still commit, one node after the other, and only to a
purpose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fednode.daemon.actions import registry as do
from fednode.daemon.actions.chain.silence import left_to_others
from fednode.daemon.decide import candidates, decide
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.types import Phase
from support.decisions import GENESIS_HELD
from support.node_facts import node_facts
from support.snapshots import COMMITTED, CONFIG, GENESIS, ME, NOW, OTHER, OWN, SEAT, chain, state

REVEAL = state(5, Phase.REVEAL, phase_start=NOW - 100)
SILENT: dict[str, Any] = {"droppable": (OTHER,), "active_count": 3}
NOBODY: set[do.Action] = set()


def wanted(snapshot: Snapshot) -> set[do.Action]:
    found = candidates(snapshot, node_facts(fetched=GENESIS_HELD))
    return {action for action in found if isinstance(action, do.Drop | do.Suspend)}


@pytest.mark.parametrize(
    ("snapshot", "expected"),
    [
        (chain(REVEAL, **SILENT), {do.Drop(5, OTHER)}),
        (chain(REVEAL, indebted=(OTHER,), active_count=3), {do.Suspend(5, OTHER)}),
        (chain(state(5, Phase.AGGREGATE), **SILENT), {do.Drop(5, OTHER)}),
        (chain(state(5, Phase.VOID, settled_at=NOW - 60), **SILENT), {do.Drop(5, OTHER)}),
        (chain(state(5, Phase.FINAL, settled_at=NOW - 60), latest_final=(5, GENESIS), **SILENT), NOBODY),
        (chain(state(5, Phase.TRAIN), **SILENT), NOBODY),
        (chain(REVEAL), NOBODY),
        (chain(**SILENT), NOBODY),
        (chain(REVEAL, droppable=(ME,), active_count=3), NOBODY),
        (chain(REVEAL, droppable=(OTHER,), active_count=CONFIG.min_clients), NOBODY),
        (chain(REVEAL, closed=True, **SILENT), NOBODY),
        (chain(state(5, Phase.AGGREGATE), closed=True, **SILENT), NOBODY),
        (chain(state(5, Phase.AGGREGATE), final_count=CONFIG.total_rounds - 1, **SILENT), NOBODY),
        (chain(REVEAL, my_seat=replace(SEAT, active_until=6), **SILENT), NOBODY),
        (chain(REVEAL, my_seat=replace(SEAT, active_from=0), **SILENT), NOBODY),
    ],
    ids=[
        "Train of the last round is over",
        "a debt that suspends",
        "until the next round opens",
        "also after the end of a round that came to nothing",
        "not after two final rounds alone",
        "who may still commit is left alone",
        "nobody is silent",
        "no round was opened",
        "never oneself",
        "no round could open without it",
        "no round comes after the one that is open, it is closed",
        "no round comes, it is closed",
        "no round comes, the last one is open",
        "a node that is suspended has no use of it",
        "nor has one without a seat",
    ],
)
def test_whom_a_node_acts_against(snapshot: Snapshot, expected: set[do.Action]) -> None:
    assert wanted(snapshot) == expected


def test_duties_come_first_and_the_next_commit_after() -> None:
    """A commit opens the next round, which counts whom it waits for."""
    facts = node_facts(fetched=GENESIS_HELD, updates={5: OWN, 6: OWN})
    committed = replace(REVEAL, my_commitment=COMMITTED)
    assert isinstance(decide(chain(committed, **SILENT), facts), do.Reveal)
    settled = chain(state(5, Phase.VOID, settled_at=NOW - 60), my_seat=SEAT, **SILENT)
    assert isinstance(decide(settled, facts), do.Drop)
    assert isinstance(decide(replace(settled, droppable=()), facts), do.Commit)


@pytest.mark.parametrize(("accounts", "reveal_length"), [(8, 1800), (64, 1800), (8, 60)])
def test_nodes_take_turns_within_half_of_reveal(accounts: int, reveal_length: int) -> None:
    snapshot = chain(REVEAL, active_count=accounts, config=replace(CONFIG, reveal_length=reveal_length))
    nodes = [replace(snapshot, account=f"0x{number:040x}") for number in range(accounts)]
    found = sorted(left_to_others(node, OTHER) for node in nodes)
    assert found[-1] <= reveal_length / 2
    assert found[0] <= reveal_length / 4, "somebody begins soon"
    assert len(set(found)) > accounts / 3, "not all at once"
    assert sorted(left_to_others(node, ME) for node in nodes) != [left_to_others(node, OTHER) for node in nodes]


def test_it_is_the_turn_of_a_node_and_stays_its_turn() -> None:
    snapshot = chain(state(5, Phase.REVEAL, phase_start=NOW), droppable=(OTHER,), active_count=64)
    wait = left_to_others(snapshot, OTHER)
    assert wait > 0
    at = {seconds: bool(wanted(replace(snapshot, time=NOW + seconds))) for seconds in (0, wait - 1, wait, wait + 500)}
    assert at == {0: False, wait - 1: False, wait: True, wait + 500: True}
