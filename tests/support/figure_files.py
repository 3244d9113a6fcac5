"""Files of figures as a node writes them."""

from __future__ import annotations

from pathlib import Path

from fednode.figure_files import SCORES, SETTLED, record
from fednode.training.step_files import write_steps
from fednode.training.types import StepRecord

STEPS = 4  # of a round


def write_round(folder: Path, number: int) -> None:
    """One round of training, score and money, with values of which none is like another."""
    folder.mkdir(parents=True, exist_ok=True)
    losses = [7.0 / number - 0.25 * step for step in range(STEPS)]
    steps = [
        StepRecord(i + 1, loss, 0.005 / (i + number), 1000 + 10 * i + number, 0.5) for i, loss in enumerate(losses)
    ]
    write_steps(folder / f"round_{number}.csv", steps)
    score = {"round": number, "global_root": "0x" + 64 * "0", "loss": 5.0 / number, "accuracy": 0.25 + number / 16}
    record(folder / SCORES, score)
    settled = {"round": number, "phase": "final", "payout": 30.5 + number, "stake": 130.0, "owed": 0.0, "tokens": 1.0}
    record(folder / SETTLED, {**settled, "at": 1_790_000_000 + number})
