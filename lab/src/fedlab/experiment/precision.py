"""Finds rows that differ only in the precision of the frozen model, to compare QLoRA with 16-bit LoRA."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from fedlab.experiment.definition import Experiment
from fedlab.experiment.results import CellResult
from fedlab.experiment.stats import family, of_one_device

KINDS = ("nf4", "bf16", "fp32")


def compared(experiment: Experiment, results: Iterable[CellResult]) -> dict[str, list[CellResult]]:
    """For each precision, the cells that were trained alike at more than one precision, with the same seeds at each.

    Trained alike: on the same device, the same task, kind and budget of row, and with the same settings except the
    precision. If several devices have such cells, those of the device with the most of them are taken.
    """
    groups: dict[str, dict[str, list[CellResult]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        row = experiment.rows.get(family(result.row))
        if row is not None and result.steps_total:
            settings = {name: value for name, value in result.settings.items() if name != "quantization"}
            alike = (result.device, result.task, row.kind, row.budget, sorted(settings.items()))
            groups[repr(alike)][str(result.settings["quantization"])].append(result)
    found: list[CellResult] = []
    for group in groups.values():
        if len(group) > 1:
            seeds = set.intersection(*({result.seed for result in cells} for cells in group.values()))
            found += [result for cells in group.values() for result in cells if result.seed in seeds]
    found = of_one_device(found)
    at = {kind: [result for result in found if result.settings["quantization"] == kind] for kind in KINDS}
    return {kind: cells for kind, cells in at.items() if cells}
