"""python -m fedlab.experiment.privacy.before_training lab/experiments/privacy.toml

The area of the attack `loss` against the model before training, which has seen no row: how much of a task's areas is
the chance with which its rows were dealt. Prints a line for each task and seed, and one for all seeds of a task.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from fedprotocol.program.terminal import run_program, say

from fedlab.experiment.definition import Experiment, Task, load_experiment
from fedlab.experiment.models import Base, Models, federation_of
from fedlab.experiment.privacy.guessing import Area, Z, area, together
from fedlab.experiment.privacy.held_back import dealt
from fedlab.experiment.privacy.membership import losses, ordered
from fedlab.experiment.run import CACHE
from fedlab.experiment.sources import load_pool


def areas(experiment: Experiment, task: Task, models: Models) -> Iterator[tuple[int, Area]]:
    """Each seed, and how well the untrained model's losses tell the rows that will be trained on from others."""
    pool = load_pool(task.data, task.held_out)
    settings = experiment.settings(task, experiment.rows[task.rows[0]])
    for seed in task.seeds or experiment.seeds:
        federation = federation_of(models.base, settings, pool, seed)
        model = models.of(federation.spec)
        model.set_global(federation.spec.layout.weights(federation.genesis))
        rows, is_member = ordered(*dealt(pool.train, task, seed))
        found = losses(model, federation.spec, rows)
        yield seed, area(-found[is_member], -found[~is_member])


def main(arguments: Sequence[str]) -> int:
    [file] = map(Path, arguments)
    experiment = load_experiment(file)
    models = Models(Base.of(experiment.model, CACHE), "cpu", threads=1)
    for task in experiment.tasks:
        if task.readers == "membership":
            found = {}
            for seed, one in areas(experiment, task, models):
                found[seed] = one
                say(f"{task.name}, seed {seed}: {_text(one)}")
            say(f"{task.name}, all seeds: {_text(together(list(found.values())))}")
    return 0


def _text(one: Area) -> str:
    return f"{one.value:.3f} ({one.value - Z * one.error:.3f} to {one.value + Z * one.error:.3f})"


if __name__ == "__main__":
    run_program(lambda: sys.exit(main(sys.argv[1:])))
