"""Training without a federation, round by round, on one site's rows or on the rows of all sites."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from fednode.training.update import moved
from fedprotocol.spec import Spec

from fedlab.experiment.federated import Round
from fedlab.experiment.members import Member

if TYPE_CHECKING:
    from fednode.training import AdapterModel
    from numpy.typing import NDArray


def alone(model: AdapterModel, spec: Spec, genesis: NDArray[np.int32], member: Member) -> Iterator[Round]:
    """Train as many rounds of `spec.training.steps` as the federation has, with its learning rates. After each round
    the model holds the result. Nothing is sent."""
    units = genesis
    for number in range(1, spec.training.rounds + 1):
        model.set_global(units)
        result = model.train(spec, member.data, number, member.seed)
        units = moved(units, result.units_delta)
        model.set_global(units)
        yield Round(number, None, 0, result.steps)
