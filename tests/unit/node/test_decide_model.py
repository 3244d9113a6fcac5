"""When a node trains and scores, on tables of snapshots and facts."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from fednode.daemon.actions import registry as do
from fednode.daemon.actions.model.beginning import LONGEST, SHARE, Before
from fednode.daemon.decide import decide
from fedprotocol.types import Phase, Proposal
from support.decisions import (
    AGGREGATE,
    FINAL,
    FOUND_RIGHT,
    GENESIS_HELD,
    JUDGED,
    LIE,
    PROVEN,
    RIGHT,
    STANDS,
    STANDS_WRONG,
    UNREADABLE,
    WRONG,
)
from support.node_facts import changed, node_facts
from support.snapshots import COMMITTED, GENESIS, ME, NOW, OWN, VIEW, chain, root, state

TABLE = {
    "then trained on, before anybody opens the round": (
        chain(),
        node_facts(fetched=GENESIS_HELD),
        do.Train(1, GENESIS),
    ),
    "an update on another prior is trained again": (
        chain(state(1, Phase.TRAIN)),
        node_facts(fetched=GENESIS_HELD, updates={1: replace(OWN, prior_root=WRONG)}),
        do.Train(1, GENESIS),
    ),
    "training goes on on the own global while the window is open": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS,))),
        node_facts(fetched=GENESIS_HELD, recomputed={1: RIGHT}, verdicts={(1, RIGHT): FOUND_RIGHT}),
        do.Train(2, RIGHT),
    ),
    "training goes on before a wrong proposal is challenged": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG, STANDS))),
        node_facts(recomputed={1: RIGHT}, verdicts=PROVEN, cases=LIE),
        do.Train(2, RIGHT),
    ),
    "also while a wrong proposal and the right one stand": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG, STANDS))),
        node_facts(recomputed={1: RIGHT}, verdicts=JUDGED),
        do.Train(2, RIGHT),
    ),
    "not a second time by the same account": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG, Proposal(ME, root("mine"), 50, NOW, NOW + 500)))),
        node_facts(recomputed={1: RIGHT}, verdicts={(1, WRONG): UNREADABLE, (1, root("mine")): UNREADABLE}),
        do.Train(2, RIGHT),
    ),
    "not before": (
        chain(AGGREGATE, time=VIEW.phase_start + 119),
        node_facts(recomputed={1: RIGHT}, propose_after=120),
        do.Train(2, RIGHT),
    ),
    "a wrong global that became final is the prior nevertheless": (
        chain(
            state(1, Phase.FINAL, global_root=WRONG),
            state(2, Phase.TRAIN, prior_root=WRONG),
            latest_final=(1, WRONG),
            final_count=1,
        ),
        node_facts(recomputed={1: RIGHT}, fetched={1: WRONG}),
        do.Train(2, WRONG),
    ),
    "after a void round the next starts from the last final global": (
        chain(state(1, Phase.VOID), state(2, Phase.TRAIN)),
        node_facts(fetched=GENESIS_HELD, recomputed={1: RIGHT}, updates={2: replace(OWN, prior_root=RIGHT)}),
        do.Train(2, GENESIS),
    ),
    "globals are scored while nothing else is to do": (
        chain(state(1, Phase.TRAIN, my_commitment=COMMITTED)),
        node_facts(fetched=GENESIS_HELD, updates={1: OWN}, has_test=True),
        do.Evaluate(0, GENESIS),
    ),
    "a global that a re-org changed is scored again": (
        chain(state(1, Phase.TRAIN, my_commitment=COMMITTED)),
        node_facts(fetched=GENESIS_HELD, updates={1: OWN}, has_test=True, evaluated={0: RIGHT}),
        do.Evaluate(0, GENESIS),
    ),
    "then the site's own model is trained": (
        chain(state(1, Phase.TRAIN, my_commitment=COMMITTED)),
        node_facts(fetched=GENESIS_HELD, updates={1: OWN}, trained=frozenset({1}), solo=True),
        do.TrainSolo(1),
    ),
    "not before the site's own model is scored": (
        chain(FINAL, closed=True),
        node_facts(
            recomputed={1: RIGHT}, trained=frozenset({1}), solo=True, solo_test=True, solo_trained=frozenset({1})
        ),
        do.EvaluateSolo(1),
    ),
}


@pytest.mark.parametrize("case", TABLE, ids=str)
def test_the_next_action(case: str) -> None:
    snapshot, facts, expected = TABLE[case]
    assert decide(snapshot, facts) == expected


def test_where_training_takes_unknown_time_the_site_gives_way_at_once() -> None:
    facts = node_facts(fetched=GENESIS_HELD, running=frozenset({do.Evaluate(0, GENESIS)}), has_test=True)
    assert decide(chain(state(1, Phase.TRAIN)), facts) == do.Interrupt(do.Evaluate(0, GENESIS))
    assert isinstance(decide(chain(state(1, Phase.TRAIN)), changed(facts, train_seconds=10)), do.Wait)


def test_training_for_a_round_that_is_past_or_on_another_prior_is_stopped() -> None:
    work = do.Train(1, GENESIS)
    facts = node_facts(fetched=GENESIS_HELD, running=frozenset({work}))
    assert decide(chain(state(1, Phase.WAITING)), facts) == do.Interrupt(work)
    stale = do.Train(2, RIGHT)
    voided = chain(state(1, Phase.VOID))
    assert decide(voided, changed(facts, running=frozenset({stale}))) == do.Interrupt(stale)
    assert isinstance(decide(chain(state(1, Phase.TRAIN)), facts), do.Wait)


def test_the_sites_own_model_gives_way_only_when_training_would_be_late() -> None:
    solo = do.TrainSolo(1)
    facts = node_facts(fetched=GENESIS_HELD, running=frozenset({solo}), solo=True, train_seconds=100)
    open_round = state(1, Phase.TRAIN)
    assert isinstance(decide(chain(open_round), facts), do.Wait)
    assert decide(chain(open_round, time=VIEW.phase_end - 150), facts) == do.Interrupt(solo)


NEWER = root("newer")
BEFORE = {
    "round 1 starts from global 0, before which there is none": (chain(), 1, None),
    "so does a round after void ones": (chain(state(1, Phase.VOID), state(2, Phase.TRAIN)), 2, None),
    "the round before is unsettled, and this node has computed what it gives": (
        chain(state(1, Phase.CHALLENGE)),
        2,
        Before(1, GENESIS, LONGEST),
    ),
    "it is unsettled, after rounds that are final": (
        chain(state(3, Phase.FINAL), state(4, Phase.AGGREGATE, prior_root=RIGHT), latest_final=(3, RIGHT)),
        5,
        Before(4, RIGHT, LONGEST),
    ),
    "it is final": (
        chain(
            state(4, Phase.FINAL, prior_root=RIGHT), state(5, Phase.TRAIN, prior_root=NEWER), latest_final=(4, NEWER)
        ),
        5,
        Before(4, RIGHT, LONGEST),
    ),
    "rounds since then were void, and the snapshot does not reach back": (
        chain(state(6, Phase.VOID), state(7, Phase.TRAIN, prior_root=NEWER), latest_final=(4, NEWER)),
        7,
        Before(4, None, LONGEST),
    ),
}


@pytest.mark.parametrize("case", BEFORE, ids=str)
def test_the_global_before_is_what_the_prior_was_made_from(case: str) -> None:
    snapshot, number, expected = BEFORE[case]
    assert Before.of(snapshot, number, math.inf) == expected


def test_looking_for_the_global_before_leaves_time_to_train() -> None:
    found = Before.of(chain(state(1, Phase.CHALLENGE)), 2, time_left=20)
    assert found is not None and found.seconds == 20 * SHARE


def test_an_update_on_a_prior_that_a_reorg_changed_is_none() -> None:
    """Its round is trained again in time, as if there were no update."""
    solo = do.TrainSolo(1)
    open_round = state(1, Phase.TRAIN, my_commitment=COMMITTED, phase_end=NOW + 100)
    facts = node_facts(fetched=GENESIS_HELD, train_seconds=60, running=frozenset({solo}))
    assert isinstance(decide(chain(open_round), changed(facts, updates={1: OWN})), do.Wait)
    stale = replace(OWN, prior_root=WRONG)
    assert decide(chain(open_round), changed(facts, updates={1: stale})) == do.Interrupt(solo)
