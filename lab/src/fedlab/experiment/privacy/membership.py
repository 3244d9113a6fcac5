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


def membership(
    model: AdapterModel, spec: Spec, genesis: NDArray[np.int32], trained: Sites, apart: Sites
) -> dict[str, Membership]:
    """Every attack on the rows of all sites together, as many of either kind from each site. The model holds the last
    global, and holds it again afterwards.

    Args:
        genesis: the first global, int32 [value_count], units of 2^-24.
    """
    last = model.values()
    counts = {name: min(MOST, len(trained[name]), len(apart[name])) for name in trained}
    members = [row for name, count in counts.items() for row in trained[name][:count]]
    others = [row for name, count in counts.items() for row in apart[name][:count]]
    after = [losses(model, spec, rows) for rows in (members, others)]
    model.set_global(genesis)
    before = [losses(model, spec, rows) for rows in (members, others)]
    model.set_values(last)
    ratio = [first - then for first, then in zip(before, after, strict=True)]
    return {"loss": _measured(-after[0], -after[1]), "ratio": _measured(*ratio)}


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
