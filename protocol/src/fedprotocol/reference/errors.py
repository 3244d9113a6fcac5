"""What the federation refuses. Names and arguments are those of the errors of IFederationCoordinator."""

from __future__ import annotations

from fedprotocol.errors import FedError


class RoundError(FedError):
    """Base. `arguments` are the Solidity error's, in its order; the subclass's docstring is the message."""

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments
        name = type(self).__name__
        super().__init__(f"{name}: {(type(self).__doc__ or name).format(*map(_show, arguments))}")


def _show(value: object) -> object:
    return "0x" + value.hex() if isinstance(value, bytes) else value


class BadConfig(RoundError):
    """`{0}` is out of its bounds: see the configuration's documentation"""


class WrongPhase(RoundError):
    """round {0} is in phase {2!r} and this call belongs to {1!r}: wait for it, or go on with the next round"""


class NotActive(RoundError):
    """{0} may not commit in round {1}: join, or add stake after a suspension, and wait for the next round"""


class AlreadySeated(RoundError):
    """{0} has a seat already"""


class NotSeated(RoundError):
    """{0} has no seat: join first"""


class WithdrawFirst(RoundError):
    """{0} left before: withdraw the old stake, then join"""


class StakeTooLow(RoundError):
    """a stake of {0} is too low: at least {1}"""


class FederationFull(RoundError):
    """all {0} seats are taken: wait until one is given up"""


class NotAllowed(RoundError):
    """the gate does not let {0} in: ask the sponsor"""


class FederationClosed(RoundError):
    """the sponsor has closed the federation"""


class FederationComplete(RoundError):
    """all rounds of the federation are final or under way"""


class TooFewActive(RoundError):
    """{0} active clients, {1} are needed: wait for others to join"""


class PoolTooLow(RoundError):
    """the pool holds {0}, a round needs {1}: fund it"""


class RoundNotOpenable(RoundError):
    """round {0} cannot open before the one before has its inputs fixed"""


class WrongPrior(RoundError):
    """the prior root named is {0}, the round's is {1}: train on that"""


class ZeroHash(RoundError):
    """the hash of a commitment is never zero"""


class NoCommit(RoundError):
    """{0} has not committed in round {1}"""


class CommitMismatch(RoundError):
    """what was revealed hashes to {0}, committed was {1}"""


class TooManyExamples(RoundError):
    """{0} examples are more than the {1} that an update of a masked federation may count here"""


class NotMasked(RoundError):
    """only a round of a masked federation can be void for its sum"""


class AlreadyRevealed(RoundError):
    """{0} has revealed in round {1}"""


class ShiftTooLarge(RoundError):
    """a shift of {0} leaves the 32 bits of a global"""


class ZeroWeight(RoundError):
    """the update stands for no example: name at least one"""


class ZeroRoot(RoundError):
    """a root is never zero"""


class NotRevealed(RoundError):
    """{0} has not revealed in round {1}: only those who did attest"""


class AlreadyAttested(RoundError):
    """{0} has attested in round {1}"""


class WrongInputs(RoundError):
    """the inputs' hash is {1}, not {0}: read the updates again"""


class BitmapOutOfRange(RoundError):
    """bitmap {0} has bits beyond the {1} updates"""


class WrongAccepted(RoundError):
    """the accepted updates are {1}, not {0} (a bit each): compute the global again"""


class AlreadyProposed(RoundError):
    """{0} has completed a proposal in round {1}"""


class WrongPage(RoundError):
    """page {0} does not follow: hand in page {1}, or start over with 0"""


class WrongPageLength(RoundError):
    """the page has {0} digests instead of {1}"""


class DuplicateRoot(RoundError):
    """root {0} was proposed in this round before"""


class NoSuchProposal(RoundError):
    """round {0} has no live proposal of root {1}"""


class NotDisputes(RoundError):
    """{0} may not convict"""


class NotSponsor(RoundError):
    """{0} is not the sponsor"""


class NotAbandoned(RoundError):
    """round {0} is not abandoned"""


class NotDroppable(RoundError):
    """{0} may keep its seat"""


class StillPending(RoundError):
    """round {1}, in which {0} committed, is not settled: wait for it"""


class NotExited(RoundError):
    """{0} has not given up a seat: exit first"""


class NothingOwed(RoundError):
    """nothing is owed to {0}"""


class ZeroAmount(RoundError):
    """the amount is zero"""


class ERC20InsufficientBalance(RoundError):
    """{0} holds {1} tokens and needs {2}"""
