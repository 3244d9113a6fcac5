"""The claims, and beside each what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from fednode.markdown import table

from fedlab.experiment.results import CellResult
from fedlab.experiment.stats import Figure, accuracy, by_seed, differences, family, figure, loss
from fedlab.experiment.tables import GIB, MIB

TOKEN = 10**18  # units that make one of the demo's tokens
UNKNOWN = "not measured yet"


def answers(
    tasks: Sequence[str],
    results: Sequence[CellResult],
    at: Mapping[str, Sequence[CellResult]],
    on_chain: dict[str, Any] | None,
    needs: dict[str, Any] | None,
) -> str:
    """The table of claims.

    Args:
        at: for each precision the cells that are compared by it.
        on_chain: what `fedlab.experiment.on_chain` wrote, or None.
        needs: what `fedlab.experiment.measured_needs` wrote, or None.
    """

    def cut(row: str) -> str:
        return _by_task(tasks, lambda task: _reduction(task, row, results), 0, " %")

    rows = [
        ("Federated training cuts the loss by 20 to 30 % or more", cut("fedavg")),
        ("Single-site training cuts it by 15 to 25 %", cut("single")),
        (
            "Federated accuracy is 5 to 10 points above single sites",
            _by_task(tasks, lambda t: _lead(t, results), 1, " points"),
        ),
        ("QLoRA is as good as 16-bit LoRA", _kinds(at)),
        ("QLoRA needs far less memory", _memory(at)),
        ("The larger the model, the more memory QLoRA saves", _largest(needs)),
        ("The chain gives transparency: everybody can compute every global", _chain(on_chain)),
        ("The chain gives incentives: whoever contributes is paid", _paid(on_chain)),
    ]
    return table(("claimed", "measured"), rows)


def rows_of(task: str, row: str, results: Iterable[CellResult]) -> list[CellResult]:
    """The cells of a row with all seeds; of a single-site row, those of all sites."""
    return [result for result in results if result.task == task and family(result.row) == row]


def _by_task(tasks: Sequence[str], of: Callable[[str], Figure | None], digits: int, unit: str) -> str:
    parts = [f"{task} {found.text(digits, 100)}{unit}" for task in tasks if (found := of(task)) is not None]
    return ", ".join(parts) or UNKNOWN


def _reduction(task: str, row: str, results: Sequence[CellResult]) -> Figure | None:
    initial = rows_of(task, "initial", results)
    return figure(rows_of(task, row, results), lambda r: 1 - r.loss / initial[0].loss) if initial else None


def _lead(task: str, results: Sequence[CellResult]) -> Figure | None:
    return differences(
        by_seed(rows_of(task, "fedavg", results), accuracy), by_seed(rows_of(task, "single", results), accuracy)
    )


def _kinds(at: Mapping[str, Sequence[CellResult]]) -> str:
    parts = []
    for kind, of in at.items():
        if (lost := figure(of, loss)) and (right := figure(of, accuracy)):
            parts.append(f"{kind}: loss {lost.text()}, accuracy {right.text(1, 100)} %")
    return "; ".join(parts) or UNKNOWN


def _memory(at: Mapping[str, Sequence[CellResult]]) -> str:
    parts = []
    for kind, of in at.items():
        weights, peak = of[0].weights_bytes / MIB, max(r.peak_memory_bytes for r in of) / MIB
        widened = kind == "bf16" and any("no bfloat16" in r.machine for r in of)
        held = " (held in float32: that CPU has no bfloat16)" if widened else ""
        whole = "the whole process" if of[0].device == "cpu" else "everything on the GPU"
        parts.append(f"{kind}: weights {weights:.0f} MiB{held}, {whole} {peak:.0f} MiB")
    return "; ".join(parts) or UNKNOWN


def _largest(needs: dict[str, Any] | None) -> str:
    if needs is None:
        return UNKNOWN
    name = needs["shapes"][-1]["model"]
    parts = [
        f"{shape['kind']}: weights {shape['weights_bytes'] / GIB:.1f} GiB, everything while training "
        f"{shape['peak_bytes'] / GIB:.1f} GiB, {shape['step_seconds']:.2f} s a step"
        for shape in needs["shapes"]
        if shape["model"] == name
    ]
    return f"random weights in the shape of {name}: {'; '.join(parts)}"


def _chain(on_chain: dict[str, Any] | None) -> str:
    if on_chain is None:
        return UNKNOWN
    same = sum(found["on_chain"] == found["in_one_process"] for found in on_chain["rounds"])
    return (
        f"{same} of {len(on_chain['rounds'])} globals of run {on_chain['run']} are, bit for bit, what one process "
        "computes from the data of all sites"
    )


def _paid(on_chain: dict[str, Any] | None) -> str:
    if on_chain is None:
        return UNKNOWN
    total = ", ".join(f"{name} {units / TOKEN:g}" for name, units in on_chain["paid"].items())
    rounds, gas = len(on_chain["rounds"]), on_chain["gas_of_a_round"]
    return f"in {rounds} rounds of the same run, in tokens: {total}; a round cost a site {gas:,} gas"
