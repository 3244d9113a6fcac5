"""What every action answers for itself. The actions are in model/, data/ and chain/, and listed in actions.py.

An action is a value: `decide` chooses one and the loop starts it. Its class holds all that belongs to it: when it is
due (pure), what it is called in the status, how it is done, and what follows from it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.errors import FedError
from fedprotocol.program.background import Body

from fednode.daemon.cause import Cause
from fednode.daemon.view import deadline

if TYPE_CHECKING:
    from fednode.daemon.facts import Facts
    from fednode.daemon.tools import Tools


class TooEarly(FedError):
    """Nothing is wrong; the message says what must be first."""


class Overtaken(FedError):
    """Somebody else did it, or it is done already; it may be looked at again later."""


class Outdated(FedError):
    """The chain has changed since it was read; the next turn of the loop sees what is to be done now."""


class Lane(StrEnum):
    """What runs in the background one at a time; one lane does not wait for another. What an obligation waits for never
    stands behind what a stranger can make slow."""

    MODEL = "model"
    INPUTS = "inputs"
    DISPUTES = "disputes"
    TIDYING = "tidying"


class Action(ABC):
    """A thing that a node can do next: a frozen dataclass, equal to another that means the same.

    What a subclass leaves as it is here does not concern it.
    """

    is_owed: ClassVar[bool] = False  # it costs stake if it comes too late
    keeps_node_running: ClassVar[bool] = False  # the node does not end while an open round needs it
    is_waited_for: ClassVar[bool] = True  # while it runs, or cannot be started, the status says so

    @abstractmethod
    def describe(self) -> str:
        """A phrase that "The node is …" can be put before."""

    @property
    def round_number(self) -> int | None:
        """The round that it is done for; None for what belongs to no round."""
        return getattr(self, "round", None)

    def time_left(self, chain: Snapshot) -> float:
        """Seconds until it comes too late: to the end of its round's phase; infinite if it never does."""
        state = chain.round(self.round_number) if self.round_number is not None else None
        if state is None or state.view.phase.settled or not state.view.phase_end:
            return math.inf
        return state.view.phase_end - chain.time

    def why_left_alone(self, chain: Snapshot, facts: Facts) -> Wait | None:
        """What the node waits for while this is left alone although it did not fail; None: for nothing."""
        return None

    def failed(self, tools: Tools, error: Exception, chain: Snapshot) -> Iterable[Action]:
        """What follows from `error` besides another try later; returns what else cannot be done until then."""
        return ()


@dataclass(frozen=True)
class Revisit:
    """Work that ended well may have more to do later. It is left alone for longer each time: for `longest` seconds at
    most, and with several tries left in the `left` seconds before it comes too late."""

    longest: float = math.inf
    left: float = math.inf


class Work(Action):
    """An action that runs in the background, in a thread of its own."""

    lane: ClassVar[Lane]
    leads_to: ClassVar[str] = "act on what it finds"  # what comes when it has ended: a phrase after "next:"

    @abstractmethod
    def job(self, tools: Tools, chain: Snapshot, facts: Facts) -> Body:
        """What its thread does, on the state that it was decided on. Called in the loop's thread."""

    def heard(self, tools: Tools, part: Any, chain: Snapshot) -> None:
        """A part of the result that its thread told (`Tools.tell`) before the end. Called in the loop's thread.

        Raises JournalError, OSError if it cannot be written down now; then it is called again.
        """
        raise NotImplementedError(f"{type(self).__name__} tells no parts of its result")

    @abstractmethod
    def ended(self, tools: Tools, result: Any, chain: Snapshot) -> None:
        """What follows from what its thread returned: journal, figures, log. Called in the loop's thread.

        Raises JournalError, OSError if it cannot be written down now; then it is called again.
        """

    def still_wanted(self, chain: Snapshot, facts: Facts) -> bool:
        """Whether it should go on, whatever else there is to do."""
        return True

    def revisit(self, chain: Snapshot) -> Revisit | None:
        """When to do the same again after it ended well; None: as soon as it is due."""
        return None

    def is_hopeless(self, error: Exception) -> bool:
        """Whether another try would end in the same `error`."""
        return False


class ChainAction(Action):
    """An action that sends transactions, in the loop itself.

    Each call is simulated first, and in the journal's outbox before it leaves (`Sender`).
    """

    @abstractmethod
    def send(self, tools: Tools, chain: Snapshot, facts: Facts) -> None:
        """Send it and write down what follows. Raises TooEarly, Overtaken, Outdated; FedError, OSError if it failed."""

    def why_left_alone(self, chain: Snapshot, facts: Facts) -> Wait | None:
        """What was sent is not done again before a read of the chain can show it."""
        return Wait(Cause.SENT, f"the chain's node to show what came of {self.describe()}", deadline(chain), "")


@dataclass(frozen=True)
class Wait(Action):
    """Nothing to do: `what` the node waits for, `until` which chain time (0: no deadline), and what it does `then`.

    Of a `cause` WORK, `what` is that work.
    """

    cause: Cause
    what: str
    until: int
    then: str

    def describe(self) -> str:
        return self.what if self.cause is Cause.WORK else f"waiting for {self.what}"


@dataclass(frozen=True)
class Finish(Action):
    """Leave the loop; `failure` says that it is not a success."""

    reason: str
    failure: bool = False

    def describe(self) -> str:
        return self.reason


@dataclass(frozen=True)
class Interrupt(Action):
    """Stop work in the background: it is no longer wanted, or something with a deadline is."""

    work: Work

    def describe(self) -> str:
        return f"stopping: {self.work.describe()}"
