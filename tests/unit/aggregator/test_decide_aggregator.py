"""What an aggregator does next, case by case."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fedaggregator.daemon.actions import (
    Action,
    Announce,
    Approve,
    BuildCase,
    Challenge,
    Claim,
    Done,
    Interrupt,
    Merge,
    ProposePage,
    Release,
    Report,
    Resume,
    Wait,
)
from fedaggregator.daemon.decide import CASES_AT_HAND, MERGE_TRIES, decide
from fedaggregator.daemon.facts import Facts, RoundFacts
from fedprotocol.chain.read.snapshot import RoundState, Snapshot
from fedprotocol.program.backoff import Setback
from fedprotocol.types import Balances, FederationConfig, Phase, Proposal, RoundView, Seat, VoidReason

ME, OTHER = "0xMe", "0xOther"
OWN, WRONG, WORSE = (bytes([n]) * 32 for n in (1, 2, 3))
BOND = 250


def make(cls: type[Any], **given: Any) -> Any:
    """An instance whose other fields are zero: no decision may depend on them."""
    return cls(**{name: given.get(name, 0) for name in cls.__dataclass_fields__})


def round_state(
    number: int, phase: Phase, *proposals: Proposal, pages: int = 0, end: int = 0, unseen: int = 0
) -> RoundState:
    """`unseen`: live proposals beyond those that the snapshot has."""
    live = len(proposals) + unseen
    hashes = {"prior_root": bytes(32), "inputs_hash": bytes(32)}
    view = make(RoundView, phase=phase, void_reason=VoidReason.NONE, phase_end=end, live=live, **hashes)
    return RoundState(number, view, (), proposals, None, None, pages)


INPUTS = round_state(1, Phase.AGGREGATE).view.inputs


def snapshot(*rounds: RoundState, **given: Any) -> Snapshot:
    final = sum(state.view.phase is Phase.FINAL for state in rounds)
    values = {
        "config": make(FederationConfig, total_rounds=3),
        "rounds": rounds,
        "final_count": final,
        "last_opened": max((state.number for state in rounds), default=0),
        "closed": False,
        "time": 200,
        "account": ME,
        "my_seat": make(Seat),
        "balances": make(Balances),
        "tokens": 10_000,
        "allowance": 10_000,
        "bond": BOND,
        "latest_final": (0, bytes(32)),
    } | given
    result: Snapshot = make(Snapshot, **values)
    return result


def proposal(root: bytes, proposer: str = OTHER, completed_at: int = 100, window_end: int = 800) -> Proposal:
    return Proposal(proposer, root, BOND, completed_at, window_end)


def computed(**given: Any) -> RoundFacts:
    return RoundFacts(own_root=OWN, **given)


def failing(*actions: Action) -> dict[str, Any]:
    return {"paused": frozenset(actions), "failing": dict.fromkeys(actions, Setback("it fails"))}


AGGREGATE, CHALLENGE = Phase.AGGREGATE, Phase.CHALLENGE
KNOWN: dict[str, Any] = {"reported": frozenset({WRONG})}
PROVEN: dict[str, Any] = {**KNOWN, "cases": frozenset({WRONG})}

CASES: list[tuple[str, Snapshot, Facts, Action]] = [
    (
        "without a key a wrong proposal is only named",
        snapshot(round_state(1, CHALLENGE, proposal(WRONG), end=900)),
        Facts({1: computed(reported=frozenset({WRONG}))}, proposes=False, sends=False),
        Wait("watching: round 1's right global is not proposed yet", 900),
    ),
    (
        "without a key a round that is over is merged too",
        snapshot(round_state(1, Phase.FINAL), round_state(2, Phase.TRAIN)),
        Facts(proposes=False, sends=False),
        Merge(1, INPUTS),
    ),
    (
        "until it is given up",
        snapshot(round_state(1, Phase.FINAL)),
        Facts({1: RoundFacts(failed_merges=MERGE_TRIES)}, proposes=False, sends=False),
        Wait("round 2 is not open yet"),
    ),
    (
        "an aggregator does not",
        snapshot(round_state(1, Phase.FINAL)),
        Facts(),
        Wait("round 2 is not open yet"),
    ),
    ("inputs are fixed", snapshot(round_state(1, AGGREGATE)), Facts(), Merge(1, INPUTS)),
    (
        "inputs that may still change in a re-org are merged",
        snapshot(round_state(1, AGGREGATE)),
        Facts({1: RoundFacts(confirmed=False)}),
        Merge(1, INPUTS),
    ),
    (
        "and not proposed",
        snapshot(round_state(1, AGGREGATE)),
        Facts({1: computed(confirmed=False)}),
        Wait("round 1's inputs are fixed and wait for confirmations"),
    ),
    (
        "but beside a lie",
        snapshot(round_state(1, CHALLENGE, proposal(WRONG))),
        Facts({1: computed(confirmed=False)}),
        ProposePage(1, 0),
    ),
    (
        "others proposed first: still check it",
        snapshot(round_state(1, CHALLENGE, proposal(WRONG))),
        Facts(),
        Merge(1, INPUTS),
    ),
    ("computed", snapshot(round_state(1, AGGREGATE)), Facts({1: computed()}), ProposePage(1, 0)),
    (
        "the next page of the same global",
        snapshot(round_state(1, AGGREGATE, pages=2)),
        Facts({1: computed(paging_root=OWN)}),
        ProposePage(1, 2),
    ),
    (
        "pages of another global start over",
        snapshot(round_state(1, AGGREGATE, pages=2)),
        Facts({1: computed(paging_root=WRONG)}),
        ProposePage(1, 0),
    ),
    (
        "the allowance is short",
        snapshot(round_state(1, AGGREGATE), allowance=BOND - 1),
        Facts({1: computed()}),
        Approve(1, BOND),
    ),
    (
        "the bond is no higher beside wrong ones",
        snapshot(round_state(1, CHALLENGE, proposal(WRONG), proposal(WORSE)), allowance=BOND, tokens=BOND),
        Facts({1: computed()}),
        ProposePage(1, 0),
    ),
    (
        "somebody proposed our global",
        snapshot(round_state(1, CHALLENGE, proposal(OWN), end=900)),
        Facts({1: computed()}),
        Wait("round 1's right global is proposed, its window is open", 900),
    ),
    (
        "a wrong one is not named before the right one is proposed",
        snapshot(round_state(1, CHALLENGE, proposal(WRONG))),
        Facts({1: computed()}),
        ProposePage(1, 0),
    ),
    (
        "a wrong one that is not mined yet cannot be read",
        snapshot(round_state(1, CHALLENGE, proposal(WRONG, completed_at=200), proposal(OWN), end=900)),
        Facts({1: computed()}),
        Wait("round 1's right global is proposed, its window is open", 900),
    ),
    (
        "a wrong one is named even if the right one is there",
        snapshot(round_state(1, CHALLENGE, proposal(OWN), proposal(WORSE))),
        Facts({1: computed()}),
        Report(1, proposal(WORSE)),
    ),
    (
        "each wrong one is named once",
        snapshot(round_state(1, CHALLENGE, proposal(WRONG), proposal(WORSE), proposal(OWN))),
        Facts({1: computed(**PROVEN)}, paused=frozenset({Challenge(1, proposal(WRONG))})),
        Report(1, proposal(WORSE)),
    ),
    (
        "the right one goes beside the wrong one",
        snapshot(round_state(1, CHALLENGE, proposal(WRONG))),
        Facts({1: computed(reported=frozenset({WRONG}))}),
        ProposePage(1, 0),
    ),
    (
        "somebody proposed ours, and there are so many that the snapshot does not show it",
        snapshot(round_state(1, CHALLENGE, proposal(WRONG), unseen=300)),
        Facts({1: computed(**PROVEN, stands=True)}),
        Challenge(1, proposal(WRONG)),
    ),
    (
        "nobody did",
        snapshot(round_state(1, CHALLENGE, proposal(WRONG), unseen=300)),
        Facts({1: computed(**PROVEN)}),
        ProposePage(1, 0),
    ),
    (
        "an account has one proposal in a round",
        snapshot(round_state(1, CHALLENGE, proposal(WRONG, ME))),
        Facts({1: computed(**PROVEN)}),
        Challenge(1, proposal(WRONG, ME)),
    ),
    (
        "once the right one stands beside it, the case against the wrong one is built",
        snapshot(round_state(1, CHALLENGE, proposal(WRONG), proposal(OWN))),
        Facts({1: computed(**KNOWN)}),
        BuildCase(1, proposal(WRONG)),
    ),
    (
        "and sent",
        snapshot(round_state(1, CHALLENGE, proposal(WRONG), proposal(OWN))),
        Facts({1: computed(**PROVEN)}),
        Challenge(1, proposal(WRONG)),
    ),
    (
        "the window that ends first comes first",
        snapshot(round_state(1, CHALLENGE, proposal(OWN), proposal(WORSE, window_end=900), proposal(WRONG))),
        Facts({1: computed(reported=frozenset({WRONG, WORSE}), cases=frozenset({WRONG, WORSE}))}),
        Challenge(1, proposal(WRONG)),
    ),
    (
        "a challenge that failed gives way to another",
        snapshot(round_state(1, CHALLENGE, proposal(WRONG), proposal(OWN), proposal(WORSE, window_end=900))),
        Facts(
            {1: computed(reported=frozenset({WRONG, WORSE}), cases=frozenset({WRONG, WORSE}))},
            **failing(Challenge(1, proposal(WRONG))),
        ),
        Challenge(1, proposal(WORSE, window_end=900)),
    ),
    (
        "a proposal that cannot be sent does not keep the wrong one from being challenged",
        snapshot(round_state(1, CHALLENGE, proposal(WRONG))),
        Facts({1: computed(**PROVEN)}, **failing(ProposePage(1, 0))),
        Challenge(1, proposal(WRONG)),
    ),
    (
        "nor does an allowance that cannot be given",
        snapshot(round_state(1, CHALLENGE, proposal(WRONG)), allowance=0),
        Facts({1: computed(**PROVEN)}, **failing(Approve(1, BOND))),
        Challenge(1, proposal(WRONG)),
    ),
    (
        "without tokens for a bond the wrong one is challenged all the same",
        snapshot(round_state(1, CHALLENGE, proposal(WRONG)), tokens=0),
        Facts({1: computed(**PROVEN)}),
        Challenge(1, proposal(WRONG)),
    ),
    (
        "a watchtower challenges",
        snapshot(round_state(1, CHALLENGE, proposal(WRONG)), tokens=0, allowance=0),
        Facts({1: computed(**PROVEN)}, proposes=False),
        Challenge(1, proposal(WRONG)),
    ),
    (
        "and never proposes",
        snapshot(round_state(1, AGGREGATE)),
        Facts({1: computed()}, proposes=False),
        Wait("watching: round 1's right global is not proposed yet"),
    ),
    (
        "what was reported before a re-org made it right is left alone",
        snapshot(round_state(1, CHALLENGE, proposal(OWN), end=900)),
        Facts({1: computed(reported=frozenset({OWN}))}),
        Wait("round 1's right global is proposed, its window is open", 900),
    ),
    (
        "without its leaves a wrong one cannot be challenged",
        snapshot(round_state(1, CHALLENGE, proposal(WRONG), proposal(OWN), end=900)),
        Facts({1: computed()}, paused=frozenset({Report(1, proposal(WRONG))})),
        Wait("round 1's right global is proposed, its window is open", 900),
    ),
    (
        "convicted: the bounty is collected",
        snapshot(round_state(1, CHALLENGE, proposal(OWN)), my_owed=125),
        Facts({1: computed(reported=frozenset({WRONG}))}),
        Claim(frozenset()),
    ),
    (
        "the older round first",
        snapshot(round_state(1, CHALLENGE, proposal(OWN)), round_state(2, AGGREGATE)),
        Facts({1: computed()}),
        Merge(2, INPUTS),
    ),
    (
        "training of the next round does not hold this one up",
        snapshot(round_state(1, AGGREGATE), round_state(2, Phase.TRAIN)),
        Facts({1: computed()}),
        ProposePage(1, 0),
    ),
    (
        "our round is over",
        snapshot(round_state(1, Phase.FINAL), round_state(2, Phase.TRAIN)),
        Facts(proposed=frozenset({1})),
        Claim(frozenset({1})),
    ),
    (
        "our round is over and long out of sight",
        snapshot(round_state(8, Phase.FINAL), round_state(9, Phase.TRAIN)),
        Facts(proposed=frozenset({2, 9})),
        Claim(frozenset({2})),
    ),
    (
        "a void round gives the bond back",
        snapshot(round_state(1, Phase.VOID)),
        Facts(proposed=frozenset({1})),
        Claim(frozenset({1})),
    ),
    ("something is owed", snapshot(my_owed=1), Facts(), Claim(frozenset())),
    (
        "work before money",
        snapshot(round_state(1, Phase.FINAL), round_state(2, AGGREGATE), my_owed=5),
        Facts(proposed=frozenset({1})),
        Merge(2, INPUTS),
    ),
    (
        "a claim that failed holds no work up",
        snapshot(round_state(6, Phase.FINAL), round_state(7, Phase.TRAIN), my_owed=5),
        Facts(proposed=frozenset({6}), pinned=frozenset({4, 5, 6}), keep_rounds=2, **failing(Claim(frozenset({6})))),
        Release(4),
    ),
    (
        "a claim that failed, and nothing else to do",
        snapshot(round_state(3, Phase.FINAL), final_count=3, my_owed=5),
        Facts(**failing(Claim(frozenset()))),
        Wait("what is owed could not be claimed; it is tried again", problem=True),
    ),
    (
        "what an earlier run sent is followed up",
        snapshot(round_state(1, Phase.TRAIN)),
        Facts(left_open=True),
        Resume(),
    ),
    (
        "where content is served is announced after all else",
        snapshot(round_state(1, Phase.TRAIN)),
        Facts(announcement="https://gateway.example", proposed=frozenset({1}), left_open=True),
        Resume(),
    ),
    (
        "who proposed announces where content is served",
        snapshot(round_state(1, Phase.TRAIN)),
        Facts(announcement="https://gateway.example", proposed=frozenset({1})),
        Announce("https://gateway.example"),
    ),
    (
        "nobody listens to who proposed nothing",
        snapshot(round_state(3, Phase.FINAL), final_count=3),
        Facts(announcement="https://gateway.example"),
        Done("all 3 rounds are final"),
    ),
    (
        "a release that fails or hangs keeps nobody from ending",
        snapshot(round_state(3, Phase.FINAL), final_count=3),
        Facts(pinned=frozenset({1}), keep_rounds=1, **failing(Release(1))),
        Done("all 3 rounds are final"),
    ),
    (
        "a merge that failed is said",
        snapshot(round_state(1, AGGREGATE)),
        Facts(**failing(Merge(1, INPUTS))),
        Wait("the next try: round 1: fetching and merging the accepted updates, which failed: it fails", None, True),
    ),
    (
        "a merge of inputs that a re-org changed is stopped",
        snapshot(round_state(1, AGGREGATE)),
        Facts(running=frozenset({Merge(1, "others")})),
        Interrupt(Merge(1, "others")),
    ),
    (
        "and not waited for",
        snapshot(round_state(1, AGGREGATE)),
        Facts(running=frozenset({Merge(1, "others")}), stopped=frozenset({Merge(1, "others")})),
        Merge(1, INPUTS),
    ),
    (
        "a merge goes on",
        snapshot(round_state(1, AGGREGATE)),
        Facts(running=frozenset({Merge(1, INPUTS)})),
        Wait("round 1: fetching and merging the accepted updates"),
    ),
    (
        "a report that hangs gives way to another",
        snapshot(round_state(1, CHALLENGE, proposal(OWN), proposal(WRONG), proposal(WORSE))),
        Facts(
            {1: computed()},
            running=frozenset({Report(1, proposal(WRONG))}),
            overdue=frozenset({Report(1, proposal(WRONG))}),
        ),
        Interrupt(Report(1, proposal(WRONG))),
    ),
    (
        "old content is let go",
        snapshot(round_state(6, Phase.FINAL), round_state(7, Phase.TRAIN)),
        Facts(pinned=frozenset({4, 5, 6}), keep_rounds=2),
        Release(4),
    ),
    (
        "no round is open",
        snapshot(round_state(1, Phase.FINAL)),
        Facts(pinned=frozenset({1})),
        Wait("round 2 is not open yet"),
    ),
    ("nothing has happened yet", snapshot(), Facts(), Wait("round 1 is not open yet")),
    (
        "inputs are not fixed",
        snapshot(round_state(1, Phase.ATTEST, end=50)),
        Facts(),
        Wait("round 1 is in Attest, its inputs are not fixed yet", 50),
    ),
    ("complete", snapshot(round_state(3, Phase.FINAL), final_count=3), Facts(), Done("all 3 rounds are final")),
    (
        "closed with a round to finish",
        snapshot(round_state(1, Phase.TRAIN), closed=True),
        Facts(),
        Wait("round 1 is in Train, its inputs are not fixed yet"),
    ),
    (
        "closed",
        snapshot(round_state(1, Phase.FINAL), closed=True),
        Facts(),
        Done("the sponsor closed the federation after 1 final rounds"),
    ),
    (
        "complete, but not paid yet",
        snapshot(round_state(3, Phase.FINAL), final_count=3),
        Facts(proposed=frozenset({3})),
        Claim(frozenset({3})),
    ),
]


@pytest.mark.parametrize(("state", "facts", "action"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_one_next_thing(state: Snapshot, facts: Facts, action: Action) -> None:
    assert decide(state, facts) == action


def test_too_few_tokens_are_a_problem_that_names_account_and_amount() -> None:
    action = decide(snapshot(round_state(1, AGGREGATE), tokens=BOND - 1), Facts({1: computed()}))
    assert isinstance(action, Wait) and action.problem
    assert ME in action.reason and str(BOND) in action.reason


def test_a_problem_in_one_round_does_not_stop_the_other() -> None:
    stuck = round_state(1, CHALLENGE, proposal(WRONG))
    facts = Facts({1: computed()}, paused=frozenset({Report(1, proposal(WRONG))}))
    assert decide(snapshot(stuck, round_state(2, AGGREGATE), tokens=0), facts) == Merge(2, INPUTS)
    waiting = decide(snapshot(stuck, round_state(2, Phase.TRAIN), tokens=0), facts)
    assert isinstance(waiting, Wait) and waiting.problem and "send it 250" in waiting.reason


def test_only_so_many_cases_are_held_in_memory() -> None:
    lies = [proposal(bytes([n]) * 32, window_end=800 + n) for n in range(10, 10 + CASES_AT_HAND + 1)]
    roots = frozenset(lie.root for lie in lies)
    full = snapshot(round_state(1, CHALLENGE, proposal(OWN), *lies))
    paused = frozenset(Challenge(1, lie) for lie in lies)
    for at_hand, expected in ((len(lies) - 1, Wait), (len(lies) - 2, BuildCase)):
        cases = frozenset(lie.root for lie in lies[:at_hand])
        facts = Facts({1: computed(reported=roots, cases=cases)}, paused=paused)
        assert isinstance(decide(full, facts), expected)


def test_nothing_is_ever_proposed_but_our_own_computed_global() -> None:
    for phase in Phase:
        state = replace(round_state(1, phase, proposal(WRONG)), my_pages=1)
        for facts in (RoundFacts(), computed(), computed(confirmed=False), computed(reported=frozenset({WRONG}))):
            action = decide(snapshot(state), Facts({1: facts}))
            if isinstance(action, ProposePage):
                assert facts.own_root is not None and phase in (AGGREGATE, CHALLENGE)
