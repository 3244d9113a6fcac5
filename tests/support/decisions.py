"""Rounds, proposals and verdicts that tests of decisions share."""

from __future__ import annotations

from typing import Any

from fednode.daemon.actions import registry as do
from fednode.daemon.facts import Checked, ProposalVerdict, UpdateVerdict
from fedprotocol.program.backoff import Setback
from fedprotocol.types import Phase, Proposal, Update
from support.snapshots import COMMITTED, GENESIS, ME, NOW, OTHER, root, state


def updates(*attested: bool) -> tuple[Update, ...]:
    return tuple(
        Update(ME if i == 0 else OTHER, root(f"update{i}"), 10, 3, attested=done, yes=10)
        for i, done in enumerate(attested)
    )


def checked(**verdicts: UpdateVerdict) -> dict[int, Checked]:
    return {1: Checked(root("inputs"), {int(name[1:]): verdict for name, verdict in verdicts.items()})}


GENESIS_HELD = {0: GENESIS}
GOOD, ABSENT, BAD = UpdateVerdict.GOOD, UpdateVerdict.ABSENT, UpdateVerdict.BAD
ATTEST = state(1, Phase.ATTEST, updates=updates(False, False), my_index=0, my_commitment=COMMITTED, revealed=2)
AGGREGATE = state(1, Phase.AGGREGATE, my_commitment=COMMITTED, accepted_mask=3, phase_end=0)
RIGHT, WRONG = root("right"), root("wrong")
STANDS = Proposal(OTHER, RIGHT, 50, NOW - 5, NOW + 500)
STANDS_WRONG = Proposal(OTHER, WRONG, 50, NOW - 5, NOW + 500)
WORSE = Proposal(OTHER, root("worse"), 50, NOW - 5, NOW + 500)
WAITS_FOR_PROPOSAL = "the chain's node to show what came of proposing the aggregate of round 1"
FOUND_RIGHT = ProposalVerdict(RIGHT)
UNREADABLE = ProposalVerdict(RIGHT, "it is wrong")
PROVABLE = ProposalVerdict(RIGHT, "it is wrong", leaf=0)
JUDGED = {(1, RIGHT): FOUND_RIGHT, (1, WRONG): UNREADABLE}
PROVEN = {(1, RIGHT): FOUND_RIGHT, (1, WRONG): PROVABLE}
LIE = frozenset({(1, WRONG)})
TRAINING = frozenset({do.Train(2, RIGHT)})
FINAL = state(1, Phase.FINAL, global_root=RIGHT, my_commitment=COMMITTED)


def not_done(action: do.Action, setback: Setback) -> dict[str, Any]:
    return {"paused": frozenset({action}), "failing": {action: setback}}
