"""For every action: that it fails for ever, or never ends, keeps nothing from being done that can be without it."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from fedaggregator.daemon import actions as act
from fedaggregator.daemon.decide import decide, time_left
from fedaggregator.daemon.facts import Facts, RoundFacts
from fedprotocol.chain.read.snapshot import RoundState
from fedprotocol.types import Phase, Proposal
from support.simulated_time import Course, Trouble, drive
from support.snapshots import ME, NOW, OTHER, chain, root, state

RIGHT = root("right")
WINDOW = 7200  # seconds
SEEN = 256  # live proposals that a snapshot has room for

KINDS: tuple[type, ...] = get_args(act.Sent) + get_args(act.Work)
PREREQUISITES: dict[type, set[type]] = {
    act.Merge: {act.Approve, act.ProposePage, act.Report, act.BuildCase, act.Challenge, act.Impeach},
    act.Approve: {act.ProposePage},
    act.ProposePage: set(),
    act.Report: {act.BuildCase, act.Challenge},
    act.BuildCase: {act.Challenge},
    act.Challenge: set(),
    act.Impeach: set(),
    act.Claim: set(),
    act.Resume: set(),
    act.Announce: set(),
    act.Release: set(),
}
"""Kind -> what cannot be done without it, of the same round or the same proposal; everything else must be done."""


class World:
    """A round with `lies` live wrong proposals, as one aggregator sees and changes it. Actions of the kind `bad` meet
    the trouble; those against a proposal only if it is the first."""

    def __init__(self, lies: int, bad: type, trouble: Trouble) -> None:
        self.lies = [Proposal(OTHER, root(f"lie{n}"), 50, NOW - 500, NOW + WINDOW + n) for n in range(lies)]
        self.mine = False
        self.bad, self.trouble = bad, trouble
        self.known = RoundFacts(confirmed=False)
        self.allowance, self.owed, self.left_open = 0, 7, True
        self.announcement: str | None = "https://gateway.example"
        self.pinned = frozenset({1, 2})
        self.course: Course[act.Action] = Course()

    def round(self) -> RoundState:
        live = [*self.lies, *([Proposal(ME, RIGHT, 50, NOW, NOW + 2 * WINDOW)] if self.mine else [])]
        phase = Phase.CHALLENGE if live else Phase.AGGREGATE
        end = NOW + WINDOW if live else 0
        return state(20, phase, proposals=tuple(live[:SEEN]), live=len(live), phase_end=end)

    def decide(self) -> act.Action:
        work = {running for running in self.course.running if isinstance(running, act.Work)}
        facts = Facts(
            rounds={20: replace(self.known, stands=self.mine and len(self.lies) >= SEEN)},
            pinned=self.pinned,
            left_open=self.left_open,
            announcement=self.announcement,
            running=frozenset(work),
            stopped=frozenset(work & self.course.stopped),
            overdue=frozenset(work & self.course.overdue()),
            paused=self.course.backoff.paused(),
            failing=self.course.backoff.failing(),
        )
        self.snapshot = chain(
            self.round(),
            state(19, Phase.FINAL),
            time=NOW + int(self.course.now),
            last_opened=20,
            my_owed=self.owed,
            allowance=self.allowance,
            bond=50,
        )
        return decide(self.snapshot, facts)

    def perform(self, action: act.Action) -> None:
        if isinstance(action, act.Interrupt):
            self.course.stopped.add(action.work)
        elif self._is_bad(action) and self.trouble is Trouble.HANGS:
            self.course.running[action] = self.course.now
        elif self._is_bad(action):
            self.course.failed(action, time_left(self.snapshot, action))
            if isinstance(action, act.Challenge):  # the case goes too
                self.known = replace(self.known, cases=self.known.cases - {action.proposal.root})
                self.course.failed(act.BuildCase(20, action.proposal), time_left(self.snapshot, action))
        else:
            self._do(action)

    def _is_bad(self, action: act.Action) -> bool:
        if not isinstance(action, self.bad):
            return False
        return not hasattr(action, "proposal") or action.proposal.root == root("lie0")

    def _do(self, action: act.Action) -> None:
        match action:
            case act.Merge():
                self.known = replace(self.known, own_root=RIGHT)
            case act.Approve(_, amount):
                self.allowance = amount
            case act.ProposePage():
                self.mine = True
            case act.Report(_, lie):
                self.known = replace(self.known, reported=self.known.reported | {lie.root})
            case act.BuildCase(_, lie):
                self.known = replace(self.known, cases=self.known.cases | {lie.root})
            case act.Challenge(_, lie):
                assert self.course.now < lie.window_end - NOW, "too late"
                self.lies.remove(lie)
                self.known = replace(self.known, cases=self.known.cases - {lie.root})
            case act.Claim():
                self.owed = 0
            case act.Resume():
                self.left_open = False
            case act.Announce():
                self.announcement = None
            case act.Release(number):
                self.pinned -= {number}
            case _:
                raise AssertionError(f"{action} is nothing to perform")


TROUBLES = [(bad, Trouble.FAILS) for bad in KINDS] + [(bad, Trouble.HANGS) for bad in get_args(act.Work)]


MANY = (act.ProposePage, act.Report, act.BuildCase, act.Challenge)
CASES = [(bad, how, lies) for bad, how in TROUBLES for lies in ((0, 1, 3, 300) if bad in MANY else (0, 1, 3))]


@pytest.mark.parametrize(("bad", "trouble", "lies"), CASES)
def test_what_fails_or_hangs_hides_nothing_else(bad: type, trouble: Trouble, lies: int) -> None:
    world = World(lies, bad, trouble)
    lost = PREREQUISITES[bad]
    if not lies:
        world.known = replace(world.known, confirmed=True)

    def is_reached() -> bool:
        right = world.mine or bad is act.ProposePage or act.ProposePage in lost
        spared = {root("lie0")} if bad is act.Challenge or act.Challenge in lost else set()
        convicted = {lie.root for lie in world.lies} <= spared or bad is act.Merge
        paid = world.owed == 0 or bad is act.Claim
        return right and convicted and paid and (not world.left_open or bad is act.Resume)

    drive(
        world.course,
        WINDOW / 2,
        world.decide,
        world.perform,
        lambda action: isinstance(action, act.Wait),
        is_reached,
    )


class Spoiled(World):
    """The updates of the round add up to garbage."""

    void = False

    def round(self) -> RoundState:
        return state(20, Phase.VOID) if self.void else super().round()

    def perform(self, action: act.Action) -> None:
        super().perform(action)
        if isinstance(action, act.Impeach) and self._is_bad(action):  # what proves it goes too
            self.known = replace(self.known, garbage=False)

    def _do(self, action: act.Action) -> None:
        match action:
            case act.Merge():
                self.known = replace(self.known, garbage=True)
            case act.Impeach():
                self.void = True
            case _:
                super()._do(action)


@pytest.mark.parametrize(("bad", "trouble"), TROUBLES)
@pytest.mark.parametrize("lies", [0, 1])
def test_garbage_is_impeached_whatever_else_fails(bad: type, trouble: Trouble, lies: int) -> None:
    world = Spoiled(lies, bad, trouble)
    impossible = bad is act.Impeach or act.Impeach in PREREQUISITES[bad]

    def is_reached() -> bool:
        assert not world.mine, "proposed what follows from garbage"
        paid = world.owed == 0 or bad is act.Claim
        return (world.void or impossible) and paid and (not world.left_open or bad is act.Resume)

    drive(
        world.course,
        WINDOW / 2,
        world.decide,
        world.perform,
        lambda action: isinstance(action, act.Wait),
        is_reached,
    )


@pytest.mark.parametrize("lies", [1, 300])
def test_the_right_one_is_proposed_before_any_lie_is_looked_at(lies: int) -> None:
    world = World(lies, act.Release, Trouble.FAILS)
    order: list[type] = []
    while not world.mine:
        action = world.decide()
        order.append(type(action))
        world.perform(action)
    assert order == [act.Merge, act.Approve, act.ProposePage]


def test_every_kind_of_action_is_in_the_list() -> None:
    assert set(KINDS) == set(PREREQUISITES)
