"""Who does the members' work of a round: this process, one member after the other, or others (`ray_crew`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from fednode.training import TrainingError
from fednode.training.update import Update
from fedprotocol.spec import Spec

from fedlab.experiment.members import Member, Turn, take_part

if TYPE_CHECKING:
    from fednode.training import AdapterModel, StepRecord

Part = tuple[Update | None, "Sequence[StepRecord]"]
"""What a member sends in a round, if it sends anything, and the steps that it made."""


class Crew(Protocol):
    """Does the members' work. Each member's part follows from the arguments and its own seed alone, so whoever does it
    comes to the same bits, on machines of one kind."""

    def parts(
        self, spec: Spec, members: Mapping[str, Member], turn: Turn
    ) -> Iterator[tuple[str, Part | TrainingError]]:
        """Each member's part, or why its training failed, in the order of `members`."""


class OneByOne:
    """Crew of this process, with its `model`."""

    def __init__(self, model: AdapterModel) -> None:
        self._model = model

    def parts(
        self, spec: Spec, members: Mapping[str, Member], turn: Turn
    ) -> Iterator[tuple[str, Part | TrainingError]]:
        """See Crew."""
        for name, member in members.items():
            yield name, tried(self._model, spec, member, turn)


def tried(model: AdapterModel, spec: Spec, member: Member, turn: Turn) -> Part | TrainingError:
    """A member's part, or why its training failed."""
    try:
        return take_part(model, spec, member, turn)
    except TrainingError as error:
        return error
