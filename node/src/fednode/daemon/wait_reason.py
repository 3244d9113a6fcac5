"""The reasons for which a node waits. `waiting.py` makes the sentences."""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """Why nothing can be started now."""

    WORK = "its own work in the background"
    RETRY = "something failed and is tried again later"
    GIVEN_UP = "something failed and would fail again"
    DEPTH = "what it would act on lies under too few blocks"
    SENT = "its transaction is not in what the chain's node shows"
    ABSENT = "updates that nobody serves"
    COMMITS = "the others' commits"
    PRIOR = "the round before is not settled"
    REVEALS = "the others' reveals"
    ATTESTATIONS = "the others' attestations"
    PROPOSAL = "nobody has proposed the aggregate"
    WINDOW = "the challenge window is open"
    GARBAGE = "the updates of a round add up to garbage"
    ASIDE = "the open round goes on without this account"
    FORFEIT = "its commitment cannot be revealed"
    SUSPENDED = "its stake is too low"
    LEFT = "it leaves the federation"
    FORBIDDEN = "the site's policy lets nothing leave"
    ALONE = "too few of the site's own peers hold seats"
    SEAT = "its seat begins later"
    CLIENTS = "too few clients have joined"
    POOL = "the pool cannot pay for a round"
