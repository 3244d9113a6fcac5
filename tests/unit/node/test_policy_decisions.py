"""A node whose site's policy lets nothing leave begins nothing, keeps what it has committed to, and does the rest."""

from __future__ import annotations

from fednode.daemon.actions import registry as do
from fednode.daemon.decide import decide
from fednode.daemon.wait_reason import Cause
from fedprotocol.types import Phase
from support.decisions import ATTEST, GENESIS_HELD, GOOD, checked
from support.node_facts import node_facts
from support.snapshots import COMMITTED, OWN, chain, root, state

WHY = "the policy does not name the federation"


def test_nothing_is_trained_or_committed() -> None:
    for snapshot in (chain(), chain(state(1, Phase.TRAIN))):
        for updates in ({}, {1: OWN}):
            facts = {"fetched": GENESIS_HELD, "updates": updates}
            assert isinstance(decide(snapshot, node_facts(**facts)), do.Train | do.Commit)
            wait = decide(snapshot, node_facts(**facts, forbidden=WHY))
            assert isinstance(wait, do.Wait) and wait.cause is Cause.FORBIDDEN
            assert WHY in wait.describe() and "penalty" not in wait.describe()


def test_what_was_committed_to_stays_and_its_price_is_said() -> None:
    snapshot = chain(state(1, Phase.REVEAL, my_commitment=COMMITTED))
    assert decide(snapshot, node_facts(updates={1: OWN})) == do.Reveal(1)
    wait = decide(snapshot, node_facts(updates={1: OWN}, forbidden=WHY))
    assert isinstance(wait, do.Wait) and wait.cause is Cause.FORBIDDEN
    assert "not revealing in round 1 costs the penalty" in wait.describe()


def test_a_vote_still_leaves() -> None:
    facts = node_facts(checked=checked(_0=GOOD, _1=GOOD), forbidden=WHY)
    assert decide(chain(ATTEST), facts) == do.Attest(1, root("inputs"), 0b11)
