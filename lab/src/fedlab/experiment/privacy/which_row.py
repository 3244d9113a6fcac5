"""Which of these rows was trained on? A reader sees one round and has candidates, one of which a site trained on.

The reader computes for each candidate the step that a site makes on that row alone, from the global that everybody
has, and picks the one that points most in the direction of what it sees. Zhu et al. 2019, "Deep Leakage from
Gradients", compares gradients so; there rows are searched for, here they are given, which is easier for the reader.

update    the site's own update, as in a public federation
masked    the site's update under its masks
globals   only how the global moved: what masks leave
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from fednode.data import Row
from fednode.training import ZeroDelta
from fedprotocol.numbers import join_leaves
from fedprotocol.spec import Spec

from fedlab.experiment.federated import Round
from fedlab.experiment.members import Member, drawn_in, table
from fedlab.experiment.privacy.masked_view import masked
from fedlab.experiment.privacy.records import WhichRow
from fedlab.experiment.split_rows import Sites

if TYPE_CHECKING:
    from fednode.training import AdapterModel
    from fednode.training.update import Update
    from numpy.typing import NDArray

CANDIDATES = 16
VIEWS = ("update", "masked", "globals")


class Reader:
    """Tries once for each update of a federation without attackers and stragglers, between its rounds.

    `apart`: of each site, rows of the same kind that it does not train on. After each round the model holds its global
    again.
    """

    def __init__(
        self, model: AdapterModel, spec: Spec, members: Mapping[str, Member], trained: Sites, apart: Sites, seed: int
    ) -> None:
        self._model, self._spec, self._members = model, spec, members
        self._trained, self._apart, self._seed = trained, apart, seed
        self._right = Counter[str]()
        self._tries = 0

    def found(self) -> dict[str, WhichRow]:
        """How often the reader was right, by what it saw."""
        counts = {view: self._right[view] for view in VIEWS}
        return {view: WhichRow(right=count, tries=self._tries, candidates=CANDIDATES) for view, count in counts.items()}

    def watch(self, rounds: Iterable[Round]) -> Iterator[Round]:
        """The same rounds, each looked at before it is passed on. The model holds the first global at the start."""
        before = self._model.values()
        for one in rounds:
            after = self._model.values()
            deltas = {name: _read(self._spec, sent) for name, sent in zip(self._members, one.updates, strict=True)}
            hidden = masked(deltas, self._spec.layout.leaf_values, one.number, self._seed)
            moved = after.astype(np.float64) - before
            for name, delta in deltas.items():
                self._try(one.number, before, name, {"update": delta, "masked": hidden[name], "globals": moved})
            self._model.set_values(after)
            before = after
            yield one

    def _try(self, round: int, before: NDArray[np.float32], name: str, seen: Mapping[str, NDArray[np.float64]]) -> None:
        rng = np.random.default_rng([self._members[name].seed, round, 2])
        true = self._trained[name][rng.choice(drawn_in(self._members[name], self._spec, round))]
        others = [row for row in self._apart[name] if row != true]
        candidates = [others[i] for i in rng.choice(len(others), CANDIDATES - 1, replace=False)]
        place = int(rng.integers(CANDIDATES))
        candidates.insert(place, true)
        steps = [step_on(self._model, self._spec, before, row, round) for row in candidates]
        for view, vector in seen.items():
            self._right[view] += picked(vector, steps) == place
        self._tries += 1


def picked(seen: NDArray[np.float64], steps: Sequence[NDArray[np.float64]]) -> int:
    """The index of the step that points most in the direction of `seen`. Rows that change nothing point nowhere."""
    lengths = [float(np.linalg.norm(step)) or 1.0 for step in steps]
    return int(np.argmax([float(seen @ step) / length for step, length in zip(steps, lengths, strict=True)]))


def step_on(model: AdapterModel, spec: Spec, before: NDArray[np.float32], row: Row, round: int) -> NDArray[np.float64]:
    """A step down the gradient of one row, float64 [value_count], in the factors that the round trains; its length
    means nothing. The model is left where it led."""
    alone = {"optimizer": "sgd", "steps": 1, "batch_size": 1, "gradient_accumulation": 1, "learning_rate": 1.0}
    plain = {**alone, "schedule": "constant", "max_grad_norm": 1.0, "proximal_mu": 0.0, "rate_ratio_b": 1.0}
    model.set_values(before)
    training = spec.training.model_copy(update=plain)
    try:
        return model.train(spec.model_copy(update={"training": training}), table([row]), round, 0).units_delta
    except ZeroDelta:
        return np.zeros(before.size)


def _read(spec: Spec, update: Update) -> NDArray[np.float64]:
    layout = spec.layout
    leaves = (update.leaves[index] for index in range(layout.leaf_count))
    mantissas = join_leaves(leaves, layout.mantissa_bits, layout.value_count)
    return np.ldexp(mantissas.astype(np.float64), update.shift)
