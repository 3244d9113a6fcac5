"""What a cell measures of privacy, beside how well its model is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from fednode.training.poisson import sampling_rate
from fedprotocol.spec import Spec

from fedlab.experiment.definition import Task
from fedlab.experiment.federated import Round
from fedlab.experiment.members import Member
from fedlab.experiment.privacy.membership import Untrained, membership
from fedlab.experiment.privacy.noise import spent
from fedlab.experiment.privacy.records import Membership, Privacy
from fedlab.experiment.privacy.which_row import Reader
from fedlab.experiment.settings import Settings
from fedlab.experiment.split_rows import Sites

if TYPE_CHECKING:
    from fednode.training import AdapterModel
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Measure:
    """What is measured of one federated row. `trained`, `apart`: the rows that the sites train on, and those that they
    keep out."""

    task: Task
    settings: Settings
    model: AdapterModel
    untrained: Untrained
    spec: Spec
    members: Mapping[str, Member]
    trained: Sites
    apart: Sites
    reader: Reader | None

    def watch(self, rounds: Iterable[Round]) -> Iterable[Round]:
        """The same rounds, each read as it is passed on if the task says so."""
        return rounds if self.reader is None else self.reader.watch(rounds)

    def found(self, genesis: NDArray[np.int32]) -> Privacy:
        """After the last round; the model holds its global, before and afterwards. `genesis`: the first one, int32
        [value_count], units of 2^-24."""
        return Privacy(
            noise={name: member.private.noise for name, member in self.members.items() if member.private is not None},
            epsilon=self._epsilon(),
            membership=self._membership(genesis) if self.task.readers == "membership" else {},
            which_row={} if self.reader is None else self.reader.found(),
        )

    def _membership(self, genesis: NDArray[np.int32]) -> dict[str, Membership]:
        return membership(self.model, self.untrained, self.spec, genesis, self.trained, self.apart)

    def _epsilon(self) -> dict[str, float]:
        return {
            name: spent(
                member.private.noise,
                self.settings.delta,
                sampling_rate(len(member.data), self.settings.batch_size),
                self.settings.rounds * (member.steps or self.settings.steps),
            )
            for name, member in self.members.items()
            if member.private is not None
        }


def measure_of(
    task: Task,
    settings: Settings,
    model: AdapterModel,
    untrained: Untrained,
    spec: Spec,
    members: Mapping[str, Member],
    trained: Sites,
    apart: Sites,
    seed: int,
) -> Measure | None:
    """None if the row trains without noise and nobody reads."""
    if settings.epsilon is None and task.readers == "none":
        return None
    reader = Reader(model, spec, members, trained, apart, seed) if task.readers == "which-row" else None
    return Measure(task, settings, model, untrained, spec, members, trained, apart, reader)
