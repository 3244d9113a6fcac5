"""What a federation with cohorts refuses beyond what every federation does."""

from __future__ import annotations

from fedprotocol.reference.errors import RoundError


class NotDrawnYet(RoundError):
    """the cohort of round {0} is not drawn yet: hand in the block that decides it"""


class AlreadyDrawn(RoundError):
    """the cohort of round {0} is drawn already"""


class WrongBlock(RoundError):
    """block {0} does not decide the draw: it takes the first block at or after the time {1}"""


class BlockOutOfReach(RoundError):
    """block {0} is too old for the contract to know its hash: wait for the next round"""


class NotDrawn(RoundError):
    """{0} is not at place {1} of the cohort of round {2}: wait until it is drawn"""


class HatOpen(RoundError):
    """seats may still be given up: round {0} can open from {1} on"""


class DrawPending(RoundError):
    """seats stand still until Train of round {0} is over: come back then"""
