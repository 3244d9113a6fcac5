"""The cells of an experiment: what is run, and where the results are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fedlab.experiment.attacks import ATTACKS
from fedlab.experiment.definition import Experiment, Row, Task

# the work of scoring one test item, in training steps of the same batch size; measured on a CPU
EVALUATION_STEPS = 1 / 20


@dataclass(frozen=True, order=True)
class Cell:
    """One run: `row` is a name of the experiment's [rows], `site` is the site on whose data a single-site row
    trains."""

    task: str
    row: str
    seed: int
    site: str = ""

    @property
    def label(self) -> str:
        """The name of the row in the results, such as `single:clinic`."""
        return f"{self.row}:{self.site}" if self.site else self.row

    def __str__(self) -> str:
        return f"{self.task} {self.label} {self.seed}"

    def path(self, folder: Path) -> Path:
        """The path of the cell's result, without a folder."""
        return folder / "cells" / self.task / self.label.replace(":", "@") / f"{self.seed}.json"


def cells_of(experiment: Experiment, sites: Sequence[str], task: Task) -> list[Cell]:
    """All cells of a task, the initial model first. It is the same for every seed and is run once."""
    seeds = task.seeds or experiment.seeds
    found = []
    for seed in seeds:
        for name in sorted(task.rows, key=lambda name: experiment.rows[name].kind != "initial"):
            kind = experiment.rows[name].kind
            if kind == "single":
                found += [Cell(task.name, name, seed, site) for site in sites]
            elif kind != "initial" or seed == seeds[0]:
                found.append(Cell(task.name, name, seed))
    return found


def steps_of(experiment: Experiment, task: Task, row: Row) -> int:
    """How many optimiser steps all sites make together, if no attack keeps an honest one from training."""
    settings = experiment.settings(task, row)
    match row.kind:
        case "initial":
            return 0
        case "single" if row.budget == "own":
            return settings.rounds * settings.steps
        case "federated":
            training = ATTACKS[settings.attack].trains if settings.attack != "none" else True
            idle = settings.stragglers + (0 if training else settings.attackers)
            return settings.rounds * settings.steps * (task.sites - idle)
        case _:
            return settings.rounds * settings.steps * task.sites


def cost(experiment: Experiment, task: Task, row: Row) -> float:
    """An estimate of the work of a cell, in training steps of eight rows of 64 tokens."""
    settings = experiment.settings(task, row)
    size = settings.batch_size * settings.sequence_length / 512
    rounds = experiment.scored_rounds(task, settings.rounds)
    before_last = 0 if row.kind == "initial" or row.budget == "total" else len(rounds) - 1
    items = task.test_items + before_last * min(experiment.curve_of(task), task.test_items)
    return size * (steps_of(experiment, task, row) + items * EVALUATION_STEPS * 8 / settings.batch_size)
