"""Rows that a site keeps out of training, so that attacks can be tried on rows of the same kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from fednode.data import Row

from fedlab.experiment.definition import Task
from fedlab.experiment.split_rows import Sites, deal


def dealt(rows: Sequence[Row], task: Task, seed: int) -> tuple[Sites, Sites]:
    """The rows of a cell's sites: those that they train on, and those that the task has them keep out."""
    return held_back(deal(rows, task, seed), task.held_back, seed)


def held_back(sites: Sites, share: float, seed: int) -> tuple[Sites, Sites]:
    """The rows that sites train on, and those that they keep out: chosen at random, so that nothing but training tells
    one kind from the other. If none are kept out, the sites are as they were."""
    if not share:
        return sites, {name: [] for name in sites}
    trained, apart = {}, {}
    for index, (name, rows) in enumerate(sites.items()):
        order = np.random.default_rng([seed, index, 0x0A9A]).permutation(len(rows))
        count = round(share * len(rows))
        apart[name] = [rows[i] for i in order[:count]]
        trained[name] = [rows[i] for i in order[count:]]
    return trained, apart
