"""The memory that other models need, computed from their shapes, and what random weights of these shapes took."""

from __future__ import annotations

from typing import Any

from fednode.markdown import table

from fedlab.experiment.needs import ADAPTER_BYTES, RANK, SHAPES
from fedlab.experiment.precision import KINDS
from fedlab.experiment.tables import GIB, MIB


def needs_section(needs: dict[str, Any] | None) -> list[str]:
    """The paragraphs of this section. `needs` is what `measured_needs` wrote."""
    parts = [
        f"Computed from the models' shapes: the frozen weights, and an adapter of rank {RANK} on q and v with its "
        "gradients and Adam's moments in float32. Activations need more memory on top of that.",
        _computed(),
    ]
    if needs is not None:
        parts += [
            f"Measured with random weights of the same shapes on {needs['machine']}, batches of {needs['batch_size']} "
            f"x {needs['sequence_length']} tokens. *Weights* are the frozen weights, *peak* is the most memory in "
            "training (with all activations kept), and *s a step* are the seconds of the fastest step.",
            _measured(needs),
        ]
    return parts


def _computed() -> str:
    rows = []
    for shape in SHAPES:
        sizes = [f"{shape.weights_bytes(kind) / GIB:.2f}" for kind in KINDS]
        rows.append((shape.name, *sizes, f"{shape.adapter(RANK) * ADAPTER_BYTES / MIB:.0f}"))
    return table(("model, computed", "NF4 GiB", "bf16 GiB", "fp32 GiB", "adapter MiB"), rows)


def _measured(needs: dict[str, Any]) -> str:
    rows = [
        (
            f"{shape['model']} {shape['kind']}",
            f"{shape['weights_bytes'] / GIB:.2f}",
            f"{shape['peak_bytes'] / GIB:.2f}",
            f"{shape['step_seconds']:.3f}",
        )
        for shape in needs["shapes"]
    ]
    return table(("shape, measured", "weights GiB", "peak GiB", "s a step"), rows)
