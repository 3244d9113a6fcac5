"""How near honest training comes to the bounds that `fednode spec new` computes: cells trained again, update by update.

    python -m fedlab.experiment.measured_bounds OUT.json lab/experiments/claims.toml wordnet/fedavg/1 …

Nothing is scored. If the cell has a result, its root shows whether these are the same updates that led to it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fednode.training.update import Update
from fedprotocol.errors import FedError
from fedprotocol.files.whole import write_whole
from fedprotocol.numbers import UNIT
from fedprotocol.program.terminal import run_program, say_error

from fedlab.experiment.cells import Cell
from fedlab.experiment.definition import Experiment, load_experiment
from fedlab.experiment.machine import machine
from fedlab.experiment.members import members_of
from fedlab.experiment.models import Base, Models, federation_of
from fedlab.experiment.privacy.held_back import dealt
from fedlab.experiment.results import read_result
from fedlab.experiment.run import CACHE
from fedlab.experiment.run_cell import rounds_of
from fedlab.experiment.sources import load_pool

if TYPE_CHECKING:
    from fedprotocol.spec import Spec

RESULTS = Path("all_losses/experiments")
THREADS = 1


def measure(experiment: Experiment, cell: Cell, models: Models) -> dict[str, Any]:
    """The largest shares of the upper bounds, and the smallest multiple of the lower bound, among all updates of the
    cell."""
    task, row = experiment.task(cell.task), experiment.rows[cell.row]
    settings = experiment.settings(task, row)
    pool = load_pool(task.data, task.held_out)
    federation = federation_of(models.base, settings, pool, cell.seed)
    spec = federation.spec
    model = models.of(spec)
    genesis = spec.layout.weights(federation.genesis)
    updates: list[Update] = []
    root = None
    sites, _ = dealt(pool.train, task, cell.seed)
    members = members_of(settings, sites, cell.seed, spec.evaluation.classes) if row.kind == "federated" else {}
    for last in rounds_of(row, cell, settings, model, spec, genesis, sites, members):
        updates += last.updates
        root = last.root
        print(f"{cell}: round {last.number}: {shares(spec, last.updates)}", flush=True)
    before = cell.path(RESULTS / experiment.name)
    return {
        "cell": str(cell),
        "rounds": settings.rounds,
        "steps": settings.steps,
        "learning_rate": settings.learning_rate,
        "bounds": spec.bounds.model_dump(),
        **shares(spec, updates),
        "root": root and "0x" + root.hex(),
        "committed_root": read_result(before).root if before.is_file() else None,
    }


def shares(spec: Spec, updates: Sequence[Update]) -> dict[str, float]:
    """`norm`: the largest norm, as a share of the bound. `value`: the largest value, as a share of what the largest
    shift can hold. `floor`: the smallest norm, as a multiple of the lower bound. `touched`: how many updates had to be
    scaled or clipped."""
    bounds = spec.bounds
    holds = ((1 << (spec.layout.mantissa_bits - 1)) - 1 << bounds.max_shift) * UNIT
    return {
        "updates": len(updates),
        "norm": max(update.norm for update in updates) / bounds.max_norm,
        "value": max(update.peak for update in updates) / holds,
        "floor": min(update.norm for update in updates) / bounds.min_norm,
        "touched": sum(update.scaled < 1 or update.clipped > 0 for update in updates),
    }


def _cells(names: Sequence[str]) -> Iterator[Cell]:
    for name in names:
        task, row, seed = name.split("/")
        yield Cell(task, row, int(seed))


def main(arguments: Sequence[str]) -> int:
    """Measure and write. Returns the exit status."""
    if len(arguments) < 3:
        print(f"usage: {__doc__}", file=sys.stderr)
        return 2
    out, experiment = Path(arguments[0]), load_experiment(Path(arguments[1]))
    try:
        models = Models(Base.of(experiment.model, CACHE), "cpu", THREADS)
        found = json.loads(out.read_text())["cells"] if out.exists() else []
        for cell in _cells(arguments[2:]):
            found = [*(old for old in found if old["cell"] != str(cell)), measure(experiment, cell, models)]
            write_whole(out, json.dumps({"machine": machine("cpu"), "cells": found}, indent=1) + "\n")
    except FedError as error:
        say_error(error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    run_program(lambda: sys.exit(main(sys.argv[1:])))
