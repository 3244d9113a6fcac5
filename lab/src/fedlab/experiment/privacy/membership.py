"""Was this row trained on? A reader of the last global guesses, for rows of the sites.

loss     the lower a row's loss, the likelier. Yeom et al. 2018, "Privacy Risk in Machine Learning"
ratio    how much lower it is than that of the model before training, which everybody has: a row that is easy anyway
         no longer looks like one that was learnt. Carlini et al. 2021, "Extracting Training Data from Large Language
         Models", section 5, with the first model as the reference
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from fednode.data import Row

from fedlab.experiment.members import table
from fedlab.experiment.privacy.guessing import area, found_at
from fedlab.experiment.privacy.records import Membership
from fedlab.experiment.split_rows import Sites

if TYPE_CHECKING:
    from fednode.training import AdapterModel
    from fedprotocol.spec import Spec
    from numpy.typing import NDArray

MOST = 100
"""Rows of each kind at each site: beyond that, scoring takes longer than training."""
FALSE = 0.01


class Untrained:
    """The losses of a model before training. The last ones are kept: cells that differ in how they train ask for the
    same rows under the same first global."""

    def __init__(self) -> None:
        self._asked: object = None
        self._losses: NDArray[np.float64] = np.empty(0)

    def losses(
        self, model: AdapterModel, spec: Spec, genesis: NDArray[np.int32], rows: Sequence[Row]
    ) -> NDArray[np.float64]:
        """float64 [rows], as `losses`, under the first global `genesis`: int32 [value_count], units of 2^-24. The
        model holds again what it held. One of these objects serves one model."""
        asked = genesis.tobytes(), tuple(rows)
        if asked != self._asked:
            held = model.values()
            model.set_global(genesis)
            self._losses, self._asked = losses(model, spec, rows), asked
            model.set_values(held)
        return self._losses


def membership(
    model: AdapterModel, untrained: Untrained, spec: Spec, genesis: NDArray[np.int32], trained: Sites, apart: Sites
) -> dict[str, Membership]:
    """Every attack on the rows of all sites together, as many of either kind from each site. The model holds the last
    global, and holds it again afterwards.

    Args:
        untrained: this model's losses before training.
        genesis: the first global, int32 [value_count], units of 2^-24.
    """
    rows, is_member = ordered(trained, apart)
    after = losses(model, spec, rows)
    fell = untrained.losses(model, spec, genesis, rows) - after
    return {
        "loss": _measured(-after[is_member], -after[~is_member]),
        "ratio": _measured(fell[is_member], fell[~is_member]),
    }


def ordered(trained: Sites, apart: Sites) -> tuple[list[Row], NDArray[np.bool_]]:
    """The rows that a reader orders, as many of either kind from each site, and bool [rows]: was it trained on."""
    counts = {name: min(MOST, len(trained[name]), len(apart[name])) for name in trained}
    members = [row for name, count in counts.items() for row in trained[name][:count]]
    others = [row for name, count in counts.items() for row in apart[name][:count]]
    return [*members, *others], np.arange(len(members) + len(others)) < len(members)


def losses(model: AdapterModel, spec: Spec, rows: Sequence[Row]) -> NDArray[np.float64]:
    """float64 [rows]: each row's loss in nats per token of its answer."""
    return np.array([item.loss for item in model.item_scores(spec, table(rows))])


def _measured(members: NDArray[np.float64], others: NDArray[np.float64]) -> Membership:
    found = area(members, others)
    return Membership(
        area=found.value,
        error=found.error,
        found=found_at(FALSE, members, others),
        members=len(members),
        others=len(others),
    )
