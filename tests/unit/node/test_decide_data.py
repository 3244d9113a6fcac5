"""When a node checks, recomputes, judges and lets go, on tables of snapshots and facts; and who has a lane."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fednode.daemon.actions import registry as do
from fednode.daemon.decide import candidates, decide
from fednode.daemon.facts import Checked, OwnUpdate
from fednode.daemon.wait_reason import Cause
from fedprotocol.types import Phase
from support.decisions import (
    ABSENT,
    AGGREGATE,
    ATTEST,
    FINAL,
    FOUND_RIGHT,
    GENESIS_HELD,
    GOOD,
    JUDGED,
    PROVEN,
    RIGHT,
    STANDS,
    STANDS_WRONG,
    TRAINING,
    WORSE,
    WRONG,
    checked,
    updates,
)
from support.node_facts import changed, node_facts
from support.snapshots import COMMITTED, GENESIS, NOW, OTHER, OWN, VIEW, chain, root, state

TABLE = {
    "before the first round the genesis is fetched": (chain(), node_facts(), do.FetchGlobal(0, GENESIS)),
    "what was revealed is checked": (chain(ATTEST), node_facts(), do.CheckInputs(1, root("inputs"))),
    "what is absent is asked for again": (
        chain(ATTEST),
        node_facts(checked=checked(_0=GOOD, _1=ABSENT)),
        do.CheckInputs(1, root("inputs")),
    ),
    "verdicts on another input set count for nothing": (
        chain(ATTEST),
        node_facts(checked={1: Checked(root("before the re-org"), {0: GOOD, 1: GOOD})}),
        do.CheckInputs(1, root("inputs")),
    ),
    "the aggregate is recomputed before anything is trained": (
        chain(AGGREGATE),
        node_facts(fetched=GENESIS_HELD),
        do.Recompute(1, AGGREGATE.view.inputs),
    ),
    "without the prior, that comes first": (chain(AGGREGATE), node_facts(), do.FetchGlobal(0, GENESIS)),
    "the case is built while the model trains": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG, STANDS))),
        node_facts(recomputed={1: RIGHT}, verdicts=PROVEN, running=TRAINING),
        do.BuildCase(1, OTHER, WRONG),
    ),
    "what could not be read is looked at again": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG, STANDS))),
        node_facts(recomputed={1: RIGHT}, verdicts=JUDGED, running=TRAINING),
        do.JudgeProposal(1, OTHER, WRONG, RIGHT),
    ),
    "every proposal is judged": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS,))),
        node_facts(recomputed={1: RIGHT}, running=TRAINING),
        do.JudgeProposal(1, OTHER, RIGHT, RIGHT),
    ),
    "unless it stands among these": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG,), live=300)),
        node_facts(recomputed={1: RIGHT}, unseen=frozenset({1}), running=TRAINING),
        do.JudgeProposal(1, OTHER, WRONG, RIGHT),
    ),
    "the window that ends first comes first": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS, replace(WORSE, window_end=NOW + 600), STANDS_WRONG))),
        node_facts(recomputed={1: RIGHT}, running=TRAINING),
        do.JudgeProposal(1, OTHER, WRONG, RIGHT),
    ),
    "before its turn no case is built": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG, STANDS))),
        node_facts(recomputed={1: RIGHT}, verdicts=PROVEN, challenge_after=60, running=TRAINING),
        do.Wait(Cause.WORK, "training for round 2", VIEW.phase_end, "commit"),
    ),
    "a late joiner fetches the last final global": (
        chain(FINAL, latest_final=(1, RIGHT), final_count=1),
        node_facts(),
        do.FetchGlobal(1, RIGHT),
    ),
}


@pytest.mark.parametrize("case", TABLE, ids=str)
def test_the_next_action(case: str) -> None:
    snapshot, facts, expected = TABLE[case]
    assert decide(snapshot, facts) == expected


def test_a_lane_has_one_piece_of_work_and_the_chain_never_waits_for_it() -> None:
    busy = frozenset({do.Evaluate(0, GENESIS), do.FetchGlobal(0, GENESIS)})
    facts = node_facts(fetched=GENESIS_HELD, running=busy, train_seconds=1)
    assert isinstance(decide(chain(), facts), do.Wait)
    revealing = chain(state(1, Phase.REVEAL, my_commitment=COMMITTED))
    assert decide(revealing, changed(facts, updates={1: OWN})) == do.Reveal(1)


def test_what_an_obligation_needs_has_its_lane_at_once() -> None:
    fetch, check = do.FetchGlobal(7, WRONG), do.CheckInputs(1, root("inputs"))
    facts = node_facts(fetched=GENESIS_HELD, running=frozenset({fetch}))
    assert decide(chain(ATTEST), facts) == do.Interrupt(fetch)
    assert decide(chain(ATTEST), changed(facts, stopped=frozenset({fetch}))) == check  # also if it hangs
    judging = do.JudgeProposal(7, OTHER, WRONG, RIGHT)
    assert decide(chain(ATTEST), changed(facts, running=frozenset({judging}), stopped=frozenset({judging}))) == check


def test_checking_is_stopped_when_it_is_of_no_use_any_more() -> None:
    check = do.CheckInputs(1, root("inputs"))
    facts = node_facts(fetched=GENESIS_HELD, running=frozenset({check}))
    assert isinstance(decide(chain(ATTEST), facts), do.Wait)
    attested = replace(ATTEST, updates=updates(True, False))
    re_orged = state(1, Phase.ATTEST, updates=updates(False, False), my_index=0, revealed=2, inputs_hash=root("others"))
    over = state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG,), my_commitment=COMMITTED, accepted_mask=3)
    for useless in (attested, re_orged, over):
        assert decide(chain(useless), facts) == do.Interrupt(check)
    stopped = changed(facts, stopped=frozenset({check}))
    assert decide(chain(over), stopped) == do.Recompute(1, over.view.inputs)


def test_merging_other_inputs_is_stopped() -> None:
    facts = node_facts(fetched=GENESIS_HELD, running=frozenset({do.Recompute(1, "others")}))
    assert decide(chain(AGGREGATE), facts) == do.Interrupt(do.Recompute(1, "others"))


def test_judging_that_hangs_gives_way_to_another() -> None:
    judging = do.JudgeProposal(1, OTHER, WRONG, RIGHT)
    lies = chain(state(1, Phase.CHALLENGE, proposals=(STANDS, STANDS_WRONG, WORSE)), active_count=1)
    facts = node_facts(recomputed={1: RIGHT}, verdicts={(1, RIGHT): FOUND_RIGHT}, running=frozenset({judging}))
    assert isinstance(decide(lies, facts), do.Wait)
    assert decide(lies, changed(facts, overdue=frozenset({judging}))) == do.Interrupt(judging)
    stopped = changed(facts, stopped=frozenset({judging}))
    assert decide(lies, stopped) == do.JudgeProposal(1, OTHER, WORSE.root, RIGHT)


def test_an_old_round_is_let_go_once_a_later_global_is_final() -> None:
    kept = node_facts(
        checked={1: Checked(root("inputs"), {0: GOOD})},
        recomputed={1: RIGHT, 2: root("second")},
        merged={1: frozenset({RIGHT, WRONG}), 2: frozenset({root("second")})},
        fetched={0: GENESIS},
        evaluated={0: GENESIS, 1: RIGHT, 2: root("second")},
        keep_rounds=1,
        updates={3: OwnUpdate(root("second"), root("update"), root("hash"), frozenset())},
    )
    second = state(2, Phase.FINAL, global_root=root("second"))
    third = state(3, Phase.TRAIN, prior_root=root("second"), my_commitment=COMMITTED)
    release = do.Release(1, frozenset({RIGHT, WRONG}))
    later = chain(second, third, latest_final=(2, root("second")), final_count=2)
    assert decide(later, kept) == release
    assert release not in candidates(later, changed(kept, keep_rounds=2))
    # A void round after it: its global is what the next round starts from.
    void = state(2, Phase.VOID)
    still = chain(void, third, latest_final=(1, RIGHT), final_count=1)
    assert not [action for action in candidates(still, kept) if isinstance(action, do.Release)]
