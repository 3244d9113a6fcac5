"""When a node makes up for a penalty: once for each, within the limit, and not more than was wanted."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fednode.cli.status import _penalties
from fednode.config import NodeSection
from fednode.daemon.actions import registry as do
from fednode.daemon.penalties import penalties_in_words
from fednode.daemon.status import Status
from fednode.stake import stake_in_words, wanted_stake
from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.read.penalties import Penalty
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.types import PenaltyReason, Phase
from support.node_facts import node_facts
from support.snapshots import CONFIG, SEAT, chain, state

FED = Amounts(0, "FED")
MISSED = Penalty(5, 100, PenaltyReason.NOT_REVEALED)
WANTED = 700  # the least of 400, and three penalties of 100


def seen(stake: int = 600, tokens: int = 1000, **changes: Any) -> Snapshot:
    return chain(state(6, Phase.TRAIN), settled_seat=replace(SEAT, stake=stake, **changes), tokens=tokens)


def due(snapshot: Snapshot, *penalties: Penalty, **facts: Any) -> list[do.TopUp]:
    known = {penalty.round: penalty for penalty in penalties or (MISSED,)}
    values: dict[str, Any] = {"top_up": 250, "wanted_stake": WANTED, "penalties": known, "amounts": FED} | facts
    return list(do.TopUp.due(snapshot, node_facts(**values)))


def test_a_penalty_is_made_up_for_once() -> None:
    assert due(seen()) == [do.TopUp(5, 100)]
    assert due(seen(), topped_up={5: 100}) == [], "it was sent, whatever the chain's node shows"
    assert due(seen(stake=650)) == [do.TopUp(5, 50)], "not more than is wanted"
    assert due(seen(stake=700)) == [], "the operator has added it"
    assert due(seen(stake=500), MISSED, replace(MISSED, round=6)) == [do.TopUp(5, 100)], "one after the other"
    assert due(seen(), MISSED, replace(MISSED, round=6), topped_up={5: 100}) == [do.TopUp(6, 100)]


@pytest.mark.parametrize(
    ("snapshot", "facts", "why"),
    [
        (seen(), {"top_up": 0}, "nobody allowed it"),
        (seen(), {"topped_up": {2: 100, 3: 100}}, "50 of the limit are left"),
        (seen(tokens=99), {}, "the purse lacks it"),
        (seen(exited=True), {}, "it has left"),
        (seen(active_from=0), {}, "it has no seat"),
        (replace(seen(), closed=True, rounds=()), {}, "the federation is over"),
    ],
)
def test_when_it_is_not_made_up_for(snapshot: Snapshot, facts: dict[str, Any], why: str) -> None:
    assert due(snapshot, **facts) == [], why


def words(snapshot: Snapshot, **facts: Any) -> str:
    values: dict[str, Any] = {"wanted_stake": WANTED, "penalties": {5: MISSED}, "amounts": FED} | facts
    return " / ".join(penalties_in_words(snapshot, node_facts(**values)).values())


def test_a_penalty_says_how_much_why_and_what_to_do() -> None:
    said = words(seen())
    assert "round 5 costs a penalty of 100 FED: it committed, and did not reveal its update in time." in said
    assert "The stake is 600 FED and bears 2 more before the seat is suspended." in said
    assert "`fednode join`" in said and "[node] top_up" in said
    assert "the node puts 100 FED back by itself" in words(seen(), top_up=250)
    assert "too little left: raise it" in words(seen(), top_up=250, topped_up={2: 200})
    assert "send it 1 FED" in words(seen(tokens=99), top_up=250)
    assert "the next penalty suspends the seat" in words(seen(stake=400))
    assert "the seat is suspended. " in words(seen(stake=300, active_until=6))


def test_a_penalty_ends_when_it_is_made_up_for() -> None:
    old = {5: replace(MISSED, round=3), 3: replace(MISSED, round=3)}
    assert words(seen(stake=700), penalties={3: old[3]}) == ""
    assert "round 3" in words(seen(stake=600), penalties={3: old[3]})
    assert words(seen(stake=600), penalties={3: old[3]}, topped_up={3: 100}) == ""


def test_join_leaves_room_for_penalties() -> None:
    usual = wanted_stake(NodeSection(), CONFIG, FED)
    assert (usual.stake, usual.borne) == (WANTED, 3)
    assert stake_in_words(usual, CONFIG, FED) == (
        "700 FED: the least, 400 FED, and 300 FED more; a missed reveal or vote costs 100 FED, and the seat is "
        "suspended only after 3 penalties"
    )
    assert wanted_stake(NodeSection(penalties=1), CONFIG, FED).stake == 500
    assert wanted_stake(NodeSection(stake=450), CONFIG, FED).borne == 0  # type: ignore[arg-type]
    assert wanted_stake(NodeSection(stake=450), CONFIG, FED, penalties=2).stake == 600, "what is asked for now"  # type: ignore[arg-type]
    assert "the first one suspends the seat" in stake_in_words(
        wanted_stake(NodeSection(), CONFIG, FED, penalties=0), CONFIG, FED
    )
    free = replace(CONFIG, penalty=0)
    assert wanted_stake(NodeSection(), free, FED).borne is None


@pytest.mark.parametrize(
    "snapshot",
    [seen(stake=0, exited=True), seen(stake=0, active_from=0), replace(seen(), closed=True, rounds=())],
    ids=["left", "no seat", "over"],
)
def test_a_penalty_of_a_seat_that_is_of_no_use_any_more_asks_for_nothing(snapshot: Snapshot) -> None:
    said = words(snapshot)
    assert "round 5 costs a penalty" in said
    assert "The stake is" not in said and "fednode join" not in said and "top_up" not in said


@pytest.mark.parametrize(
    ("snapshot", "is_shown"),
    [
        (seen(), True),
        (seen(stake=0, exited=True), False),
        (seen(stake=700), False),
        (replace(seen(), closed=True, rounds=()), False),
    ],
    ids=["short", "left", "added", "over"],
)
def test_a_stopped_nodes_advice_is_shown_while_it_fits_the_seat(snapshot: Snapshot, is_shown: bool) -> None:
    said = ("round 5 costs a penalty of 100 FED … run `fednode join`",)
    gone = subprocess.Popen(["true"])
    gone.wait()
    last = Status(
        pid=gone.pid,
        account="",
        round=5,
        phase="none",
        activity="",
        then="",
        since=0,
        until=0,
        chain_time=0,
        updated=0,
        penalties=said,
    )
    session = SimpleNamespace(config=SimpleNamespace(node=NodeSection()))
    now = SimpleNamespace(chain=snapshot, amounts=FED)
    assert _penalties(last, cast(Any, now), cast(Any, session)) == (said if is_shown else ())
