"""Results of an experiment's cells, as they would be written: for tests of what is made of them."""

from __future__ import annotations

from typing import Any

from fedlab.experiment.results import CellResult


def result(row: str, seed: int, loss: float, accuracy: float | None, **changes: Any) -> CellResult:
    """Of the task "t"; `changes` replaces any other field."""
    values: dict[str, Any] = {
        "task": "t",
        "row": row,
        "seed": seed,
        "loss": loss,
        "accuracy": accuracy,
        "by_domain": {},
        "test_items": 300,
        "rounds": (),
        "steps_total": 0 if row == "initial" else 120,
        "bytes_sent": 3 << 20 if row == "fedavg" else 0,
        "peak_memory_bytes": 1 << 30,
        "weights_bytes": 1 << 29,
        "step_seconds": 2.0,
        "seconds": 100.0,
        "root": None,
        "key": "k",
        "settings": {"quantization": "bf16"},
        "site_rows": {"a": 10, "b": 10},
        "machine": "here",
    }
    return CellResult.model_validate({**values, **changes})
