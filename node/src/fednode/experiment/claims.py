"""all_losses/README.md: the claims, and beside each what was measured. Made of the committed cells alone.

python -m fednode.experiment.claims experiments/claims.toml all_losses
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fedprotocol.errors import FedError

from fednode.experiment.file import Experiment, load_experiment
from fednode.experiment.needs import ADAPTER_BYTES, RANK, SHAPES
from fednode.experiment.precision import compared
from fednode.experiment.results import CellResult, read_all
from fednode.experiment.stats import Figure, accuracy, by_seed, differences, family, figure, loss
from fednode.experiment.tables import MIB, goals_table, markdown, precision_table

GIB = 1 << 30
TOKEN = 10**18  # units, of the demo's token
SHOWN = ("accuracy", "bytes", "loss", "rows", "sites")


def page(
    experiment: Experiment, results: Sequence[CellResult], on_chain: dict[str, Any] | None, plots: Sequence[str] = ()
) -> str:
    """The whole page. `plots`: paths as the page names them, `…/<task>-<what>.png`."""
    at = compared(experiment, results)
    tasks = [task.name for task in experiment.tasks if any(r.task == task.name and r.steps_total for r in results)]
    parts = [
        "# What was claimed, and what was measured",
        "Every figure is made of the cells in `claims/` by `make claims`: mean ± deviation over seeds, each row on the "
        "same test items. How: [docs/experiments.md](../docs/experiments.md). All rows, also those that look bad: "
        "[claims/README.md](claims/README.md). Whole federations on a chain: the folders named by their date "
        "([docs/demo.md](../docs/demo.md)).",
        _claims(tasks, results, at, on_chain),
        "## Goals of federated training",
        goals_table(experiment, results),
        "## By task",
        "Mean of the single sites, each with its own steps; all federated rows and both budgets of the sites: "
        "[claims/README.md](claims/README.md).",
        _in_short(tasks, results),
        *_pictures(tasks, plots),
        "## Why a single site is worse",
        "Accuracy on the site's own domain, and on the others, that it has few rows of:",
        _own_and_other(tasks, results),
        "## Precision of the frozen model",
        "Rows that are trained alike but for it, on the same seeds.",
        precision_table(at) if at else "Not measured yet.",
        *(f"![memory]({path})" for path in plots if path.endswith("/memory.png")),
        "## Memory that other models need",
        f"Computed from their shapes, not measured; an adapter of rank {RANK} on q and v with its gradients and Adam's "
        "moments in float32. Activations come on top.",
        _needs(results),
    ]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _claims(
    tasks: Sequence[str],
    results: Sequence[CellResult],
    at: Mapping[str, Sequence[CellResult]],
    on_chain: dict[str, Any] | None,
) -> str:
    def cut(row: str) -> str:
        return _by_task(tasks, lambda task: _reduction(task, row, results), 0, " %")

    rows = [
        ("Federated training cuts the loss by 20 to 30 % or more", cut("fedavg")),
        ("Single-site training cuts it by 15 to 25 %", cut("single")),
        (
            "Federated accuracy is 5 to 10 points above single sites",
            _by_task(tasks, lambda t: _lead(t, results), 1, ""),
        ),
        ("QLoRA is as good as 16-bit LoRA", _kinds(at)),
        ("... at far lower memory", _memory(at)),
        ("The chain gives transparency: everybody can compute every global", _chain(on_chain)),
        ("... and incentives: whoever contributes is paid", _paid(on_chain)),
    ]
    return markdown(("claimed", "measured"), rows)


def _in_short(tasks: Sequence[str], results: Sequence[CellResult]) -> str:
    lines = []
    for task in tasks:
        for name in ("initial", "single", "central", "fedavg"):
            if mine := _rows(task, name, results):
                lost, right = figure(mine, loss), figure(mine, accuracy)
                seeds = len({result.seed for result in mine})
                lines.append((f"{task} {name}", str(seeds), lost.text() if lost else "", _percent(right)))
    return markdown(("task, row", "seeds", "loss", "accuracy %"), lines)


def _pictures(tasks: Sequence[str], plots: Sequence[str]) -> list[str]:
    found = []
    for task in tasks:
        mine = [path for path in plots if Path(path).stem in {f"{task}-{what}" for what in SHOWN}]
        found += [f"![{Path(path).stem}]({path})" for path in mine]
    return found


def _by_task(tasks: Sequence[str], of: Any, digits: int, unit: str) -> str:
    said = [f"{task} {found.text(digits, 100)}{unit}" for task in tasks if (found := of(task)) is not None]
    return ", ".join(said) or "not measured yet"


def _rows(task: str, row: str, results: Iterable[CellResult]) -> list[CellResult]:
    return [result for result in results if result.task == task and family(result.row) == row]


def _reduction(task: str, row: str, results: Sequence[CellResult]) -> Figure | None:
    initial = _rows(task, "initial", results)
    return figure(_rows(task, row, results), lambda r: 1 - r.loss / initial[0].loss) if initial else None


def _lead(task: str, results: Sequence[CellResult]) -> Figure | None:
    return differences(
        by_seed(_rows(task, "fedavg", results), accuracy), by_seed(_rows(task, "single", results), accuracy)
    )


def _kinds(at: Mapping[str, Sequence[CellResult]]) -> str:
    said = []
    for kind, of in at.items():
        if (lost := figure(of, loss)) and (right := figure(of, accuracy)):
            said.append(f"{kind}: loss {lost.text()}, accuracy {right.text(1, 100)} %")
    return "; ".join(said) or "not measured yet"


def _memory(at: Mapping[str, Sequence[CellResult]]) -> str:
    said = []
    for kind, of in at.items():
        weights, whole = of[0].weights_bytes / MIB, max(r.peak_memory_bytes for r in of) / MIB
        widened = kind == "bf16" and any("no bfloat16" in r.machine for r in of)
        held = " (held in float32: that CPU has no bfloat16)" if widened else ""
        said.append(f"{kind}: weights {weights:.0f} MiB{held}, process {whole:.0f} MiB")
    return "; ".join(said) or "not measured yet"


def _chain(on_chain: dict[str, Any] | None) -> str:
    if on_chain is None:
        return "not measured yet"
    same = sum(found["on_chain"] == found["in_one_process"] for found in on_chain["rounds"])
    return (
        f"{same} of {len(on_chain['rounds'])} globals of run {on_chain['run']} are, bit for bit, what one process "
        "computes of the sites' data"
    )


def _paid(on_chain: dict[str, Any] | None) -> str:
    if on_chain is None:
        return "not measured yet"
    said = ", ".join(f"{name} {units / TOKEN:g}" for name, units in on_chain["paid"].items())
    rounds, gas = len(on_chain["rounds"]), on_chain["gas_of_a_round"]
    return f"tokens in {rounds} rounds of the same run: {said}; a round cost a site {gas:,} gas"


def _own_and_other(tasks: Sequence[str], results: Sequence[CellResult]) -> str:
    rows = []
    for task in tasks:
        for row in sorted({r.row for r in results if r.task == task and family(r.row) == "single"}):
            there, others = _own_and_others([r for r in results if r.task == task and r.row == row], _site_domain(row))
            if there is not None:
                rows.append((f"{task} {row}", _percent(there), _percent(others)))
        together = [r for r in results if r.task == task and r.row == "fedavg" and r.accuracy is not None]
        if together:
            rows.append((f"{task} fedavg", "", _percent(figure(together, accuracy))))
    return markdown(("row", "own domain %", "other domains %"), rows)


def _site_domain(row: str) -> str:
    """`law` of `single:law-2`."""
    site = row.partition(":")[2]
    name, _, number = site.rpartition("-")
    return name if number.isdecimal() else site


def _own_and_others(results: Sequence[CellResult], own: str) -> tuple[Figure | None, Figure | None]:
    def there(result: CellResult) -> float | None:
        return result.by_domain[own].accuracy if own in result.by_domain else None

    def elsewhere(result: CellResult) -> float | None:
        others = [score for domain, score in result.by_domain.items() if domain != own and score.accuracy is not None]
        right = sum((score.accuracy or 0.0) * score.items for score in others)
        return right / sum(score.items for score in others) if others else None

    return figure(results, there), figure(results, elsewhere)


def _percent(value: Figure | None) -> str:
    return "" if value is None else value.text(1, 100)


def _needs(results: Sequence[CellResult]) -> str:
    measured = {r.settings["quantization"]: r.weights_bytes for r in results}
    rows = []
    for shape in SHAPES:
        sizes = [f"{shape.weights_bytes(kind) / GIB:.2f}" for kind in ("nf4", "bf16", "fp32")]
        rows.append((shape.name, *sizes, f"{shape.adapter(RANK) * ADAPTER_BYTES / MIB:.0f}"))
    table = markdown(("model", "NF4 GiB", "bf16 GiB", "fp32 GiB", "adapter MiB"), rows)
    if measured:
        said = ", ".join(f"{kind} {size / GIB:.2f} GiB" for kind, size in sorted(measured.items()))
        table += f"\nMeasured for {SHAPES[0].name}, to hold the first line to: {said}.\n"
    return table


def main(arguments: Sequence[str]) -> int:
    """Exit status."""
    if len(arguments) != 2:
        print("usage: python -m fednode.experiment.claims EXPERIMENT.toml all_losses", file=sys.stderr)
        return 2
    file, folder = map(Path, arguments)
    try:
        experiment = load_experiment(file)
        results = read_all(folder / experiment.name)
        chain = folder / experiment.name / "on_chain.json"
        found = json.loads(chain.read_text(encoding="utf-8")) if chain.is_file() else None
        drawn = sorted((folder / experiment.name / "plots").glob("*.png"))
        plots = [path.relative_to(folder).as_posix() for path in drawn]
        (folder / "README.md").write_text(page(experiment, results, found, plots), encoding="utf-8")
    except FedError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"wrote {folder / 'README.md'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
