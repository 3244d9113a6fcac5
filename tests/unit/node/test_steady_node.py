"""For every action: that it fails for ever, or never ends, keeps nothing from being done that can be without it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from inspect import isabstract

import pytest
from fednode.daemon.actions import registry as do
from fednode.daemon.decide import ORDER, decide
from fednode.daemon.facts import Checked, OwnUpdate, ProposalVerdict, UpdateVerdict
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.types import Commitment, Phase, Proposal, Update
from support.node_facts import changed, node_facts
from support.simulated_time import Course, Trouble, drive
from support.snapshots import CONFIG, GENESIS, ME, NOW, OTHER, ZERO, chain, root, state

RIGHT, MINE = root("right"), root("mine")
WINDOW = 7200  # seconds, also of Train, Reveal and Attest
SEEN = 256  # live proposals that a snapshot has room for

KINDS: tuple[type, ...] = do.CHAIN + do.DATA + do.MODEL
BACKGROUND: tuple[type, ...] = do.DATA + do.MODEL
PREREQUISITES: dict[type, set[type]] = {
    do.Train: {do.Commit},
    do.FetchGlobal: {do.Recompute, do.Propose, do.Challenge, do.Train, do.Commit, do.Impeach},
    do.Recompute: {do.Propose, do.Challenge, do.Train, do.Commit, do.Impeach},
    do.JudgeProposal: {do.Challenge},
    do.BuildCase: {do.Challenge},
}
"""Kind -> what cannot be done without it, of the same round or the same proposal; everything else must be done."""


def lost(bad: type, kind: type) -> bool:
    return bad is kind or kind in PREREQUISITES.get(bad, set())


class World:
    """One node, and what it sees and changes. Actions of the kind `bad` meet the trouble; those against a proposal only
    if it is the first. The model's work ends when it is told to, other work that hangs does not even then."""

    def __init__(self, bad: type, trouble: Trouble) -> None:
        self.bad, self.trouble = bad, trouble
        self.facts = node_facts(
            has_test=True,
            solo=True,
            keep_rounds=1,
            trained=frozenset({1}),
            evaluated={0: root("another")},
            merged={1: frozenset({root("old")})},
            has_bounty=True,
            announcement="https://gateway.example",
        )
        self.course: Course[do.Action] = Course()
        self.owed = 7
        self.snapshot = chain()

    def see(self) -> Snapshot:
        raise NotImplementedError

    def decide(self) -> do.Action:
        running = frozenset(w for w in self.course.running if isinstance(w, do.Work))
        self.snapshot = replace(self.see(), time=NOW + int(self.course.now), my_owed=self.owed)
        facts = changed(
            self.facts,
            running=running,
            stopped=frozenset(running & self.course.stopped),
            overdue=frozenset(running & self.course.overdue()),
            paused=self.course.backoff.paused(),
            failing=self.course.backoff.failing(),
        )
        return decide(self.snapshot, facts)

    def perform(self, action: do.Action) -> None:
        if isinstance(action, do.Interrupt):
            self.course.stopped.add(action.work)
            if isinstance(action.work, do.ModelWork):
                del self.course.running[action.work]
        elif self._is_bad(action) and self.trouble is Trouble.HANGS:
            self.course.running[action] = self.course.now
        elif self._is_bad(action):
            left = action.time_left(self.snapshot)
            self.course.failed(action, left)
            if isinstance(action, do.Challenge):  # the case goes too
                self.facts = changed(self.facts, cases=self.facts.remembered.cases - {(action.round, action.root)})
                self.course.failed(do.BuildCase(action.round, OTHER, action.root), left)
        else:
            self.do(action)

    def _is_bad(self, action: do.Action) -> bool:
        if not isinstance(action, self.bad):
            return False
        about_a_proposal = isinstance(action, do.JudgeProposal | do.BuildCase | do.Challenge)
        return action.root == root("lie0") if about_a_proposal else True

    def do(self, action: do.Action) -> None:
        known, remembered = self.facts, self.facts.remembered
        match action:
            case do.FetchGlobal(number, fetched):
                self.facts = changed(known, fetched={**remembered.fetched, number: fetched})
            case do.Recompute(number):
                self.facts = changed(known, recomputed={**remembered.recomputed, number: RIGHT})
            case do.Train(number, prior):
                update = OwnUpdate(prior, MINE, root("hash"), frozenset({root("hash")}))
                self.facts = changed(known, updates={**remembered.updates, number: update}, train_seconds=60)
            case do.Evaluate(number, scored):
                self.facts = changed(known, evaluated={**remembered.evaluated, number: scored})
            case do.TrainSolo(number):
                self.facts = changed(known, solo_trained=remembered.solo_trained | {number})
            case do.Release(number):
                self.facts = changed(known, merged={n: roots for n, roots in remembered.merged.items() if n != number})
            case do.Claim():
                self.owed = 0
            case do.Announce(text):
                self.facts = changed(known, announced=text)
            case do.Wait():
                raise AssertionError("nothing to perform")

    def run(self, reached: object) -> None:
        assert callable(reached)
        drive(
            self.course,
            WINDOW / 2,
            self.decide,
            self.perform,
            lambda action: isinstance(action, do.Wait),
            reached,
        )


class Dispute(World):
    """Round 20 with `lies` live wrong proposals, and round 21 open to be trained for."""

    def __init__(self, lies: int, bad: type, trouble: Trouble) -> None:
        super().__init__(bad, trouble)
        self.lies = [Proposal(OTHER, root(f"lie{n}"), 50, NOW - 500, NOW + WINDOW + n) for n in range(lies)]
        self.mine = self.committed = False
        self.facts = changed(self.facts, propose_after=10**6 if lies else 0)

    def see(self) -> Snapshot:
        live = [*self.lies, *([Proposal(ME, RIGHT, 50, NOW, NOW + 2 * WINDOW)] if self.mine else [])]
        phase = Phase.CHALLENGE if live else Phase.AGGREGATE
        self.facts = changed(self.facts, unseen=frozenset({20} if self.mine and len(self.lies) >= SEEN else ()))
        disputed = state(
            20,
            phase,
            proposals=tuple(live[:SEEN]),
            live=len(live),
            phase_end=NOW + WINDOW if live else 0,
            prior_root=GENESIS,
        )
        commitment = Commitment(root("hash"), RIGHT, 10) if self.committed else None
        following = state(21, Phase.TRAIN, prior_root=ZERO, my_commitment=commitment, phase_end=NOW + WINDOW)
        return chain(state(19, Phase.VOID), disputed, following, latest_final=(18, GENESIS))

    def do(self, action: do.Action) -> None:
        match action:
            case do.Propose():
                self.mine = True
            case do.Commit(21):
                self.committed = True
            case do.JudgeProposal(number, _, judged, own):
                verdict = ProposalVerdict(own) if judged == own else ProposalVerdict(own, "it is wrong", leaf=0)
                self.facts = changed(self.facts, verdicts={**self.facts.remembered.verdicts, (number, judged): verdict})
            case do.BuildCase(number, _, lie):
                self.facts = changed(self.facts, cases=self.facts.remembered.cases | {(number, lie)})
            case do.Challenge(number, lie):
                assert self.mine or lost(self.bad, do.Propose), "the right one comes first"
                self.lies = [one for one in self.lies if one.root != lie]
                self.facts = changed(self.facts, cases=self.facts.remembered.cases - {(number, lie)})
            case _:
                super().do(action)


TROUBLES = [(bad, Trouble.FAILS) for bad in KINDS] + [(bad, Trouble.HANGS) for bad in BACKGROUND]


MANY = (do.Propose, do.JudgeProposal, do.BuildCase, do.Challenge)
CASES = [(bad, how, lies) for bad, how in TROUBLES for lies in ((0, 1, 3, 300) if bad in MANY else (0, 1, 3))]


@pytest.mark.parametrize(("bad", "trouble", "lies"), CASES)
def test_aggregates_are_defended_and_the_next_round_is_trained_for(bad: type, trouble: Trouble, lies: int) -> None:
    world = Dispute(lies, bad, trouble)

    def is_reached() -> bool:
        spared = {root("lie0")} if lost(bad, do.Challenge) else set()
        if lost(bad, do.Challenge) and bad in (do.Recompute, do.FetchGlobal):
            spared = {lie.root for lie in world.lies}
        return (
            (world.mine or lost(bad, do.Propose))
            and {lie.root for lie in world.lies} <= spared
            and (world.committed or lost(bad, do.Commit))
        )

    world.run(is_reached)


class Spoiled(Dispute):
    """The updates of round 20 add up to garbage."""

    void = False

    def see(self) -> Snapshot:
        seen = super().see()
        if not self.void:
            return seen
        following = state(21, Phase.TRAIN, prior_root=GENESIS, my_commitment=seen.rounds[2].my_commitment)
        return replace(seen, rounds=(state(20, Phase.VOID), following))

    def perform(self, action: do.Action) -> None:
        super().perform(action)
        if isinstance(action, do.Impeach) and self._is_bad(action):  # what proves it goes too
            self.facts = changed(self.facts, impeachable=frozenset())

    def do(self, action: do.Action) -> None:
        match action:
            case do.Recompute(20):
                self.facts = changed(self.facts, garbage=frozenset({20}), impeachable=frozenset({20}))
            case do.Impeach(20):
                self.void = True
            case _:
                super().do(action)


@pytest.mark.parametrize(("bad", "trouble"), TROUBLES)
@pytest.mark.parametrize("lies", [0, 1])
def test_garbage_is_impeached_and_the_next_round_trained_for(bad: type, trouble: Trouble, lies: int) -> None:
    world = Spoiled(lies, bad, trouble)

    def is_reached() -> bool:
        assert not world.mine, "proposed what follows from garbage"
        return (world.void or lost(bad, do.Impeach)) and (
            world.committed or lost(bad, do.Commit) or lost(bad, do.Impeach)
        )

    world.run(is_reached)
    own = world.facts.remembered.updates.get(21)
    assert own is None or own.prior_root == GENESIS, "trained on what follows from garbage"


class Inputs(World):
    """Round 20 in Reveal, then in Attest, while round 19's global and merge may be anything but at hand."""

    def __init__(self, bad: type, trouble: Trouble) -> None:
        super().__init__(bad, trouble)
        own = OwnUpdate(GENESIS, MINE, root("hash"), frozenset({root("hash")}))
        self.facts = changed(self.facts, updates={20: own}, fetched={0: GENESIS}, attest_margin=WINDOW * 3 // 4)
        self.revealed = self.attested = False
        self.silent, self.indebted = [OTHER], [root("debtor").hex()]

    def see(self) -> Snapshot:
        updates = (Update(ME, MINE, 10, 3, self.attested, 0), Update(OTHER, root("other"), 10, 3, False, 0))
        before = state(19, Phase.FINAL, global_root=root("unseen"), prior_root=GENESIS)
        mine = {
            "my_commitment": Commitment(root("hash"), GENESIS, 10),
            "phase_end": NOW + WINDOW,
            "prior_root": GENESIS,
        }
        now = (
            state(20, Phase.ATTEST, updates=updates, my_index=0, revealed=2, **mine)
            if self.revealed
            else state(20, Phase.REVEAL, **mine)
        )
        silent = {"droppable": tuple(self.silent), "indebted": tuple(self.indebted), "active_count": 9}
        return chain(before, now, latest_final=(19, root("unseen")), **silent, config=replace(CONFIG, total_rounds=40))

    def do(self, action: do.Action) -> None:
        match action:
            case do.Drop(_, client):
                self.silent.remove(client)
            case do.Suspend(_, client):
                self.indebted.remove(client)
            case do.Reveal():
                self.revealed = True
            case do.Attest():
                self.attested = True
            case do.CheckInputs(number, inputs_hash):
                checked = Checked(inputs_hash, {0: UpdateVerdict.GOOD, 1: UpdateVerdict.GOOD})
                self.facts = changed(self.facts, checked={number: checked})
            case _:
                super().do(action)


@pytest.mark.parametrize(("bad", "trouble"), [(b, t) for b, t in TROUBLES if b not in (do.Reveal, do.Attest)])
def test_what_was_committed_is_revealed_and_attested(bad: type, trouble: Trouble) -> None:
    world = Inputs(bad, trouble)

    def is_reached() -> bool:
        is_silence_ended = (lost(bad, do.Drop) or not world.silent) and (lost(bad, do.Suspend) or not world.indebted)
        return world.attested and is_silence_ended

    world.run(is_reached)
    if bad is not do.CheckInputs:
        assert world.facts.remembered.checked, "it was attested without a look"


def concrete(kind: type) -> Iterator[type]:
    if not isabstract(kind):
        yield kind
    for narrower in kind.__subclasses__():
        yield from concrete(narrower)


def test_every_action_is_in_the_lists() -> None:
    assert {*KINDS, *do.LOOP} == set(concrete(do.Action))
    assert set(PREREQUISITES) <= set(KINDS)


def test_every_action_has_its_place_in_the_order() -> None:
    dues = [kind.due for kind in KINDS if hasattr(kind, "due")]
    assert dues and set(dues) <= set(ORDER)
    assert {kind for kind in KINDS if not hasattr(kind, "due")} == {
        do.FetchGlobal,  # due with what needs it
        do.JudgeProposal,  # these in `disputes`
        do.BuildCase,
        do.Challenge,
    }
