"""One cell, from its settings to its result."""

from __future__ import annotations

import hashlib
import json
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from fednode.evaluation import DomainScore, Evaluation, together
from fedprotocol.errors import FedError

from fedlab.experiment import peak_memory
from fedlab.experiment.alone import alone
from fedlab.experiment.attacks import ATTACKS
from fedlab.experiment.cells import Cell, steps_of
from fedlab.experiment.crew import Crew
from fedlab.experiment.definition import Experiment
from fedlab.experiment.definition import Row as ExperimentRow
from fedlab.experiment.federated import Round, in_floats, in_integers
from fedlab.experiment.machine import machine
from fedlab.experiment.members import SEEDS_APART, Member, members_of, steps_of_sites, table
from fedlab.experiment.models import Models, federation_of
from fedlab.experiment.privacy.held_back import dealt
from fedlab.experiment.privacy.measure import measure_of
from fedlab.experiment.results import CellResult, RoundScore
from fedlab.experiment.settings import Settings
from fedlab.experiment.sources import Pool
from fedlab.experiment.split_rows import Sites
from fedlab.results.records import Score

if TYPE_CHECKING:
    import numpy as np
    from fednode.training import AdapterModel
    from fedprotocol.spec import Spec
    from numpy.typing import NDArray

# the rest of a task; what it changes in the settings is listed separately
NOT_OF_A_CELL = {"rows", "seeds", "curve_items", *Settings.model_fields}
ATTACK_ITEMS = 100  # test rows by which an attack's success is measured
Told = Callable[[float, str], None]
"""Called with the share of the cell that is done, and the latest result."""


class CellError(FedError):
    """The cell cannot be run as the experiment says."""


def key_of(experiment: Experiment, cell: Cell, pool: Pool, model: str) -> str:
    """The cell's key. It changes with everything that the result depends on: rows, settings, sites, base model
    (`Base.key`). Defaults are left out, so that older results stay valid when a setting is added. So a default must
    never change.
    """
    task, row = experiment.task(cell.task), experiment.rows[cell.row]
    curve = experiment.curve_of(task)
    made_of = {
        "rows": hashlib.sha256(repr((pool.train, pool.test, pool.classes, pool.template)).encode()).hexdigest(),
        "settings": experiment.settings(task, row).model_dump(mode="json", exclude_defaults=True),
        "task": task.model_dump(mode="json", exclude_defaults=True, exclude=NOT_OF_A_CELL),
        "kind": (row.kind, row.budget),
        "cell": asdict(cell),
        "curve": curve and (curve, experiment.curve_points),
        "model": model,
    }
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:32]


def run_cell(
    experiment: Experiment, cell: Cell, pool: Pool, models: Models, tell: Told, crew: Crew | None = None
) -> CellResult:
    """Train and score the cell. `crew`: who trains the members of a federation; None: this process. Raises CellError,
    and the errors of training and loading."""
    began = time.monotonic()
    task, row = experiment.task(cell.task), experiment.rows[cell.row]
    settings = experiment.settings(task, row)
    test = pool.test[: task.test_items]
    if len(test) < task.test_items:
        raise CellError(f"task {task.name}: {task.data} has {len(test)} test rows, not {task.test_items}")
    attack = None if row.kind != "federated" or settings.attack == "none" else ATTACKS[settings.attack]
    if attack is not None and attack.needs_classes and pool.classes is None:
        raise CellError(f"task {task.name}: the attack {settings.attack} needs a task with classes")
    sites, apart = dealt(pool.train, task, cell.seed)
    most_steps = max(steps_of_sites(settings, sites).values()) if row.kind == "federated" else settings.steps
    federation = federation_of(models.base, settings.model_copy(update={"steps": most_steps}), pool, cell.seed)
    model = models.of(federation.spec)
    peak_memory.begin(models.device)
    spec = federation.spec
    genesis = spec.layout.weights(federation.genesis)
    model.set_global(genesis)
    members, measure = {}, None
    if row.kind == "federated":
        members = members_of(settings, sites, cell.seed, spec.evaluation.classes)
        measure = measure_of(task, settings, model, models.untrained, spec, members, sites, apart, cell.seed)
    curve_items = experiment.curve_of(task)
    part, rest = test[:curve_items], test[curve_items:]
    total = steps_of(experiment, task, row)
    curve: list[RoundScore] = []
    seconds: list[float] = []
    last = Round(0, None, 0, [])
    sent = 0
    if row.kind != "initial":
        scored_rounds = experiment.scored_rounds(task, spec.training.rounds) if row.budget == "own" else frozenset()
        rounds = rounds_of(row, cell, settings, model, spec, genesis, sites, members, crew)
        for last in rounds if measure is None else measure.watch(rounds):
            sent += last.bytes_sent
            seconds += [step.seconds for step in last.steps]
            if last.number in scored_rounds and last.number < spec.training.rounds:
                point = _score(model.evaluate(spec, table(part)))
                curve.append(RoundScore(round=last.number, score=point, bytes_sent=sent))
                tell(len(seconds) / total, f"round {last.number}: loss {point.loss:.3f}")
            else:
                tell(len(seconds) / total, f"round {last.number}")
    scored = [model.evaluate(spec, table(items)) for items in (part, rest) if items]
    evaluation = together(scored)
    curve.append(RoundScore(round=last.number, score=_score(scored[0]), bytes_sent=sent))
    wanted = [] if attack is None else attack.wanted(test, pool.classes or ())[:ATTACK_ITEMS]
    success = model.evaluate(spec, table(wanted)).accuracy if wanted else None
    privacy = None if measure is None else measure.found(genesis)
    if len(seconds) != total and not settings.attackers:
        raise CellError(f"{cell}: {len(seconds)} steps were trained instead of {total}")
    return CellResult(
        task=cell.task,
        row=cell.label,
        seed=cell.seed,
        loss=evaluation.loss,
        accuracy=evaluation.accuracy,
        by_domain={name: _score(score) for name, score in evaluation.by_domain.items()},
        test_items=evaluation.items,
        rounds=tuple(curve),
        attack_success=success,
        steps_total=len(seconds),
        bytes_sent=sent,
        peak_memory_bytes=peak_memory.peak(models.device),
        weights_bytes=model.base_bytes,
        step_seconds=statistics.median(seconds) if seconds else 0.0,
        seconds=time.monotonic() - began,
        root="0x" + last.root.hex() if last.root else None,
        key=key_of(experiment, cell, pool, models.base.key(spec.base_model)),
        settings=settings.model_dump(mode="json"),
        site_rows={name: len(rows) for name, rows in sites.items()},
        machine=machine(models.device),
        device=models.device,
        privacy=privacy,
    )


def rounds_of(
    row: ExperimentRow,
    cell: Cell,
    settings: Settings,
    model: AdapterModel,
    spec: Spec,
    genesis: NDArray[np.int32],
    sites: Sites,
    members: Mapping[str, Member],
    crew: Crew | None = None,
) -> Iterable[Round]:
    """The rounds of a row as they are trained. Raises CellError for a site that the task does not have."""
    if row.kind == "federated":
        if settings.arithmetic == "floats":
            return in_floats(model, spec, genesis, members)
        return in_integers(model, spec, genesis, members, settings.stragglers, crew)
    if row.kind == "single":
        if cell.site not in sites:
            raise CellError(f"{cell}: the sites are {', '.join(sites)}")
        many = len(sites) if row.budget == "total" else 1
        data, seed = table(sites[cell.site]), cell.seed * SEEDS_APART + list(sites).index(cell.site)
    else:
        many = len(sites)
        data, seed = table([held for rows in sites.values() for held in rows]), cell.seed * SEEDS_APART
    return alone(model, spec.with_steps(many * spec.training.steps), genesis, Member(data, seed))


def _score(of: Evaluation | DomainScore) -> Score:
    return Score(loss=of.loss, accuracy=of.accuracy, items=of.items)
