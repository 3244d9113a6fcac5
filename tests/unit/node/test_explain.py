"""One sentence in every state that there is: rounds, seats, money, what the node knows, whether it runs.

The lists are the code's own enumerations, so that a state or an action that somebody adds without words fails here.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fednode.daemon.actions import registry as do
from fednode.daemon.decide import candidates, decide
from fednode.daemon.explain import SILENCE, Explanation, Need, explain
from fednode.daemon.facts import Checked, Facts, ProposalVerdict, UpdateVerdict
from fednode.daemon.model_progress import ModelProgress
from fednode.daemon.reporting import Reporter
from fednode.daemon.snapshot_questions import Obstacle, Standing, deadline, obstacle, standing
from fednode.daemon.status import Status, read_status
from fednode.daemon.wait_reason import Cause
from fednode.daemon.waiting import describe_obstacle
from fedprotocol.chain.amounts import UNITS
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.monitor.health import Health
from fedprotocol.monitor.last_seen import Keeper
from fedprotocol.program.backoff import Setback
from fedprotocol.types import Balances, Commitment, Phase, Proposal, Seat, Update
from support.node_facts import changed, node_facts
from support.snapshots import COMMITTED, GENESIS, ME, NOW, OTHER, OWN, SEAT, chain, root, state

WALL = 2_000_000.0
TROUBLE = "no RPC endpoint answers: http://127.0.0.1:9 (the connection is refused)"
FOREVER = 2**32 - 1
UPDATE = Update(ME, root("update0"), 10, 3, attested=False, yes=10)
RIGHT = root("right")

SEATS = {
    Standing.NONE: replace(SEAT, active_from=0, stake=0),
    Standing.EARLY: replace(SEAT, active_from=7),
    Standing.ACTIVE: SEAT,
    Standing.SUSPENDED: replace(SEAT, active_until=1, stake=100),
    Standing.LEFT: replace(SEAT, active_until=2, exited=True),
}
TAKEN = replace(SEAT, stake=0, exited=True)
"""The seat of an account that has left and taken back its stake."""
MONEY: dict[Obstacle, dict[str, Any]] = {
    Obstacle.NONE: {},
    Obstacle.CLOSED: {"closed": True},
    Obstacle.COMPLETE: {"final_count": 3},
    Obstacle.LAST: {"final_count": 2},
    Obstacle.CLIENTS: {"active_count": 1},
    Obstacle.POOL: {"balances": Balances(0, 0, 0, 0, 99, 0)},
}
PARTS: dict[str, dict[str, Any]] = {
    "has not committed": {},
    "committed": {"my_commitment": COMMITTED},
    "committed to another prior": {"my_commitment": Commitment(root("hash"), root("another"), 10)},
    "committed to what is lost": {"my_commitment": Commitment(root("lost"), GENESIS, 10)},
    "revealed": {"my_commitment": COMMITTED, "my_index": 0, "updates": (UPDATE,)},
    "attested": {"my_commitment": COMMITTED, "my_index": 0, "updates": (replace(UPDATE, attested=True),)},
}
EARLY, FAILED = Setback("3 blocks on top of something", too_early=True), Setback("it has 0 ETH")
HOPELESS = Setback("the loss of step 3 is nan", for_good=True)
SETBACKS: dict[type, tuple[Setback | None, ...]] = {
    **dict.fromkeys(do.CHAIN, (EARLY, FAILED, None)),
    **dict.fromkeys(do.DATA, (FAILED,)),
    **dict.fromkeys((do.CheckInputs, do.JudgeProposal), (FAILED, None)),
    **dict.fromkeys(do.MODEL, (FAILED, HOPELESS)),
    do.Finish: (),
}
"""Why the loop leaves an action alone; None: it went well a moment ago."""


@dataclass(frozen=True)
class State:
    """One state of the world and of the node's knowledge."""

    snapshot: Snapshot
    facts: Facts


def snapshots() -> Iterator[Snapshot]:
    for phase, where, money, part in itertools.product(Phase, Standing, MONEY, PARTS.values()):
        if (phase is Phase.NONE or phase.settled) and part:
            continue
        if phase is Phase.NONE:
            rounds = ()
        elif phase is Phase.CHALLENGE:
            rounds = (state(1, phase, proposals=(Proposal(OTHER, RIGHT, 50, NOW - 5, NOW + 500),), revealed=1, **part),)
        elif phase is Phase.WAITING:
            before = state(1, Phase.CHALLENGE, proposals=(Proposal(OTHER, RIGHT, 50, NOW - 5, NOW + 500),))
            rounds = (before, state(2, phase, revealed=1, **{**part, "prior_root": bytes(32)}))
        else:
            rounds = (state(1, phase, revealed=1, **part),)
        last = max((r.number for r in rounds), default=0)
        seat = _fitting(SEATS[where], where, last)
        yield chain(*rounds, my_seat=seat, **MONEY[money])


def _fitting(seat: Seat, where: Standing, last: int) -> Seat:
    """The same standing, whatever round was opened last."""
    return replace(seat, active_until=last + 1) if where is Standing.SUSPENDED else seat


def knowledge(snapshot: Snapshot) -> Iterator[Facts]:
    """Nothing; everything; and everything while each useful thing in turn cannot be started."""
    numbers = [r.number for r in snapshot.rounds]
    everything = node_facts(
        updates=dict.fromkeys([*numbers, snapshot.last_opened + 1], OWN),
        recomputed=dict.fromkeys(numbers, RIGHT),
        fetched={0: GENESIS},
        verdicts={(number, RIGHT): ProposalVerdict(RIGHT) for number in numbers},
        checked={number: Checked(root("inputs"), {0: UpdateVerdict.GOOD}) for number in numbers},
        has_test=True,
    )
    nothing = node_facts(fetched={0: GENESIS})
    garbage = changed(nothing, garbage=frozenset(numbers), impeachable=frozenset(numbers))
    patient = changed(garbage, challenge_after=900)
    yield from (nothing, everything, garbage, patient, changed(everything, failure="the base model has another digest"))
    yield from (changed(facts, forbidden="nobody has approved it") for facts in (nothing, everything))
    yield from (changed(facts, alone="1 of at least 2 of its own peers") for facts in (nothing, everything))
    for facts in (nothing, everything, garbage):
        useful = {action for action in candidates(snapshot, facts) if SETBACKS[type(action)]}
        for action in useful:
            quiet = {other for other in useful - {action} if None in SETBACKS[type(other)]}
            failing = dict.fromkeys(useful - {action} - quiet, FAILED)
            if isinstance(action, do.Work):
                running = frozenset({action})
                yield changed(facts, running=running, paused=frozenset(useful - running), failing=failing)
            for setback in SETBACKS[type(action)]:
                own = {action: setback} if setback is not None else {}
                yield changed(facts, paused=frozenset(useful), failing=failing | own)


@pytest.fixture(scope="module")
def states() -> list[State]:
    return [State(snapshot, facts) for snapshot in snapshots() for facts in knowledge(snapshot)]


def said(states: list[State], folder: Path, confirmations: int) -> Iterator[tuple[State, do.Action, Status]]:
    """What a running node would write down in each state, through its own status file."""
    path = folder / "status.json"
    keeper = Keeper(folder / "chain.json", OTHER, UNITS, lambda: False)
    reporter = Reporter(path, ME, 0, confirmations, ModelProgress(), Health(1.0), keeper, now=lambda: WALL)
    different = {(decide(one.snapshot, one.facts), deadline(one.snapshot)): one for one in states}
    for (action, _), one in different.items():
        reporter.activity(one.snapshot, one.facts, action)
        written = read_status(path)
        assert written is not None
        yield one, action, written


def check(found: Explanation) -> None:
    text = found.sentence
    assert text.startswith("The node ") and text.endswith("."), text
    assert "\n" not in text and ". " not in text, f"more than one sentence: {text}"
    assert " ," not in text and "opens with the first commit," not in text, f"no reason: {text}"
    assert len(text) < 420 and "None" not in text and "  " not in text, text


@pytest.mark.parametrize("confirmations", [0, 3])
def test_a_node_that_runs(states: list[State], tmp_path: Path, confirmations: int) -> None:
    causes: set[str] = set()
    words: dict[str, set[Cause]] = {}
    for one, action, status in said(states, tmp_path, confirmations):
        found = explain(status, one.snapshot, "", UNITS, WALL + 7)
        check(found)
        causes.add(found.cause)
        if isinstance(action, do.Finish):
            assert found.sentence == f"The node is about to end: {action.reason}."
        elif status.until > NOW:
            clock = f"{datetime.fromtimestamp(status.until, UTC):%H:%M:%S} UTC"
            assert clock in found.sentence, "until when"
        else:
            assert "with no deadline" in found.sentence or " ago" in found.sentence
        if isinstance(action, do.Wait):
            words.setdefault(action.what, set()).add(action.cause)
            assert action.what in found.sentence, "for what"
            assert action.then in found.sentence, "and then"
        if isinstance(action, do.ChainAction) and confirmations:
            assert "3 on top of that" in found.sentence
    assert causes == {*(cause.name.lower() for cause in Cause), "acting", "end"}
    assert not [what for what, met in words.items() if len(met) > 1], "the same words for two causes"


@pytest.mark.process
def test_a_node_that_does_not_run(states: list[State]) -> None:
    stopped = _status(pid=_nobody(), activity="training for round 1")
    needs: dict[str, set[str]] = {}
    for met in {one.snapshot for one in states}:
        for snapshot in (
            met,
            replace(met, eth=0),
            replace(met, settled_owed=5),
            replace(met, my_seat=TAKEN, settled_seat=TAKEN),
        ):
            for status in (None, stopped):
                found = explain(status, snapshot, "", UNITS, WALL)
                check(found)
                assert "`fednode " in found.sentence or found.cause == Need.NOTHING, found.sentence
                needs.setdefault(found.sentence, set()).add(found.cause)
    unread = explain(None, None, TROUBLE, UNITS, WALL)
    check(unread)
    assert TROUBLE in unread.sentence and "`fednode run`" in unread.sentence
    assert {need for met in needs.values() for need in met} | {unread.cause} == set(Need)
    assert not [text for text, met in needs.items() if len(met) > 1], "the same words for two needs"


def test_no_ether_where_gas_is_free() -> None:
    snapshot = chain(my_seat=SEATS[Standing.ACTIVE], eth=0)
    assert explain(None, snapshot, "", UNITS, WALL).cause == Need.ETHER
    assert explain(None, snapshot, "", UNITS, WALL, gas_is_free=True).cause != Need.ETHER


def test_a_node_that_says_nothing_any_more() -> None:
    status = _status(pid=os.getpid(), activity="sending its commit of round 1")
    fine = explain(status, chain(), "", UNITS, WALL + SILENCE - 1)
    silent = explain(status, chain(), "", UNITS, WALL + SILENCE + 1)
    check(silent)
    assert fine.cause == "acting" and silent.cause == "silent"
    assert f"`kill {os.getpid()}`" in silent.sentence and "sending its commit of round 1" in silent.sentence


def test_a_chain_that_only_the_command_cannot_read() -> None:
    status = _status(pid=os.getpid(), activity="training for round 1")
    assert TROUBLE in explain(status, None, TROUBLE, UNITS, WALL).sentence
    told = _status(pid=os.getpid(), activity=f"waiting for the chain: {TROUBLE}")
    assert explain(told, None, TROUBLE, UNITS, WALL).sentence.count(TROUBLE) == 1


def test_a_stopped_node_says_once_that_the_federation_is_complete() -> None:
    over = chain(final_count=3, settled_seat=TAKEN, settled_owed=0)
    gone = _status(pid=2**22 + 1, activity="the federation is complete")
    assert explain(gone, over, "", UNITS, WALL).sentence.count("the federation is complete") == 1


def test_a_node_that_was_stopped_while_it_loaded() -> None:
    assert explain(None, chain(), "", UNITS, WALL).sentence.startswith("The node has not run with this config yet, and")
    loaded = explain(None, chain(), "", UNITS, WALL, was_started=True)
    check(loaded)
    assert loaded.sentence.startswith("The node was started and has said nothing yet")


@pytest.mark.parametrize("where", Standing)
def test_every_standing_is_what_it_is_called(where: Standing) -> None:
    assert standing(chain(my_seat=SEATS[where])) is where


def test_every_obstacle_has_words_of_its_own() -> None:
    met = {}
    for found in Obstacle:
        if found is Obstacle.INPUTS:
            snapshot = chain(state(1, Phase.TRAIN))
        elif found is Obstacle.LAST:
            snapshot = chain(state(1, Phase.AGGREGATE), **MONEY[found])
        else:
            snapshot = chain(**MONEY[found])
        assert obstacle(snapshot) is found
        met[describe_obstacle(found, snapshot, UNITS)] = found
    assert len(met) == len(Obstacle) and all(met)


def test_every_action_has_words_of_its_own() -> None:
    kinds = do.CHAIN + do.DATA + do.MODEL + do.LOOP
    assert do.Train in kinds and do.Wait in kinds
    words = {_example(kind).describe(): kind for kind in kinds}
    assert len(words) == len(kinds) and all(words)


def _example(kind: type) -> Any:
    samples = {"round": 3, "work": do.Train(3, GENESIS), "cause": Cause.POOL, "failure": False, "bitmap": 1, "until": 0}
    return kind(**{field.name: samples.get(field.name, "what") for field in fields(kind)})


def _status(**changes: Any) -> Status:
    values = {"pid": 1, "account": ME, "round": 1, "phase": "train", "activity": "", "then": "", "since": WALL}
    return Status(**{**values, "cause": "acting", "until": 0, "chain_time": NOW, "updated": WALL, **changes})


def _nobody() -> int:
    """The id of a process that has ended."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return child
