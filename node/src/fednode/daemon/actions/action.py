"""What every action has to say about itself. The actions are in model/, data/ and chain/, and listed in actions.py.

An action is a value: `decide` chooses one and the loop starts it. Its class has everything that belongs to it: when it
is due (pure), its name in the status, how it is done, and what follows from it.
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

from fednode.daemon.snapshot_questions import deadline
from fednode.daemon.wait_reason import Cause

if TYPE_CHECKING:
    from fednode.daemon.action_context import Tools
    from fednode.daemon.facts import Facts


class TooEarly(FedError):
    """It is too early, and nothing is wrong. The message says what must come first."""


class Overtaken(FedError):
    """Somebody else did it, or it is done already. It may be checked again later."""


class Outdated(FedError):
    """The chain has changed since it was read. The next turn of the loop sees what has to be done now."""


class Lane(StrEnum):
    """A group of background work of which only one piece runs at a time. One lane does not wait for another. Work that
    an obligation needs never waits for work that a stranger can make slow."""

    MODEL = "model"
    INPUTS = "inputs"
    DISPUTES = "disputes"
    TIDYING = "tidying"


class Action(ABC):
    """A thing that a node can do next: a frozen dataclass, equal to another one that means the same. What a subclass
    does not override does not apply to it.
    """

    is_owed: ClassVar[bool] = False  # whether it costs stake if it comes too late
    keeps_node_running: ClassVar[bool] = False  # whether the node must not end while an open round needs this
    is_waited_for: ClassVar[bool] = True  # whether the status mentions it while it runs or cannot be started

    @abstractmethod
    def describe(self) -> str:
        """A phrase that "The node is …" can be put before."""

    @property
    def round_number(self) -> int | None:
        """The round for which it is done; None if it belongs to no round."""
        return getattr(self, "round", None)

    def time_left(self, chain: Snapshot) -> float:
        """Seconds until it is too late, which is until the end of its round's phase; infinite if it is never too
        late."""
        state = chain.round(self.round_number) if self.round_number is not None else None
        if state is None or state.view.phase.settled or not state.view.phase_end:
            return math.inf
        return state.view.phase_end - chain.time

    def why_left_alone(self, chain: Snapshot, facts: Facts) -> Wait | None:
        """What the node waits for while this is left alone although it did not fail; None: for nothing."""
        return None

    def failed(self, tools: Tools, error: Exception, chain: Snapshot) -> Iterable[Action]:
        """Do what follows from `error`, in addition to another try later. Returns other actions that cannot be done
        until then."""
        return ()


@dataclass(frozen=True)
class Revisit:
    """How work that ended well, and may have more to do later, is tried again. It rests longer each time, at most
    `longest` seconds, and several tries fit into the `left` seconds before it is too late."""

    longest: float = math.inf
    left: float = math.inf


class Work(Action):
    """An action that runs in the background, in a separate thread."""

    lane: ClassVar[Lane]
    leads_to: ClassVar[str] = "act on what it finds"  # what comes when it has ended: a phrase after "next:"

    @abstractmethod
    def job(self, tools: Tools, chain: Snapshot, facts: Facts) -> Body:
        """The function for its thread, with the state on which the decision was based. Called in the loop's thread."""

    def heard(self, tools: Tools, part: Any, chain: Snapshot) -> None:
        """Take a part of the result that its thread reported (`Tools.tell`) before the end. Called in the loop's
        thread. Raises JournalError or OSError if it cannot be written down now; then it is called again.
        """
        raise NotImplementedError(f"{type(self).__name__} tells no parts of its result")

    @abstractmethod
    def ended(self, tools: Tools, result: Any, chain: Snapshot) -> None:
        """Do what follows from the result of its thread: journal, figures, log. Called in the loop's thread. Raises
        JournalError or OSError if it cannot be written down now; then it is called again.
        """

    def still_wanted(self, chain: Snapshot, facts: Facts) -> bool:
        """Whether it should go on, no matter what else has to be done."""
        return True

    def revisit(self, chain: Snapshot) -> Revisit | None:
        """When to do the same again after it ended well; None if it may start as soon as it is due."""
        return None

    def is_hopeless(self, error: Exception) -> bool:
        """Whether another try would end in the same `error`."""
        return False


class ChainAction(Action):
    """An action that sends transactions, in the loop itself. Each call is simulated first, and is in the journal's
    outbox before it is sent (`Sender`).
    """

    @abstractmethod
    def send(self, tools: Tools, chain: Snapshot, facts: Facts) -> None:
        """Send it and write down what follows. Raises TooEarly, Overtaken, Outdated; FedError, OSError if it failed."""

    def why_left_alone(self, chain: Snapshot, facts: Facts) -> Wait | None:
        """How long to wait before the same is done again, so that a read of the chain can show what was sent."""
        return Wait(Cause.SENT, f"the chain's node to show what came of {self.describe()}", deadline(chain), "")


@dataclass(frozen=True)
class Wait(Action):
    """Nothing to do: `what` the node waits for, `until` which chain time (0: no deadline), and what it does `then`.

    If `cause` is WORK, `what` names that work.
    """

    cause: Cause
    what: str
    until: int
    then: str

    def describe(self) -> str:
        return self.what if self.cause is Cause.WORK else f"waiting for {self.what}"


@dataclass(frozen=True)
class Finish(Action):
    """Leave the loop. `failure` says whether this counts as a failure."""

    reason: str
    failure: bool = False

    def describe(self) -> str:
        return self.reason


@dataclass(frozen=True)
class Interrupt(Action):
    """Stop background work that is no longer needed, or that must make room for something with a deadline."""

    work: Work

    def describe(self) -> str:
        return f"stopping: {self.work.describe()}"
