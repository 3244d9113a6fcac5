"""All rows of a task, before they are divided among sites."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from fednode.data import Row
from fedprotocol.errors import FedError

FOLDER_VARIABLE = "FED_EXPERIMENT_DATA"
SHARED = Path("../shared/data")


class NoData(FedError):
    """The rows are not on this machine; the message says how to get them."""


@dataclass(frozen=True)
class Pool:
    """`classes`: the possible answers, by which accuracy is scored; None if only the loss is computed. `template` holds
    {prompt} once."""

    train: tuple[Row, ...]
    test: tuple[Row, ...]
    classes: tuple[str, ...] | None
    template: str


def without_test(pool: Pool) -> Pool:
    """The pool without its test rows: a fifth of the training rows take their place, to choose settings by."""
    count = len(pool.train) // 5
    return replace(pool, train=pool.train[count:], test=pool.train[:count])


def shared_folder(name: str) -> Path:
    """A data set's folder, in $FED_EXPERIMENT_DATA or ../shared/data. Raises NoData."""
    home = Path(os.environ.get(FOLDER_VARIABLE, SHARED))
    if not (home / name).is_dir():
        raise NoData(f"{home / name} is not here: put the data set there, or name its parent in {FOLDER_VARIABLE}")
    return home / name


def shuffled(rows: Sequence[Row], seed: int = 0) -> tuple[Row, ...]:
    """The rows in an order that is the same on every machine."""
    return tuple(rows[i] for i in np.random.default_rng(seed).permutation(len(rows)))
