"""A cell that fails for a reason nobody foresaw says so in a line, and the other cells go on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from fedlab.experiment import workers

pytestmark = pytest.mark.model


def test_a_failed_cell_is_told_in_a_line() -> None:
    def task(_: str) -> Any:
        raise RuntimeError("something that\nnobody has foreseen\nin three lines")

    shared: Any = SimpleNamespace(experiment=SimpleNamespace(task=task))
    cell: Any = SimpleNamespace(task="colours")
    outcome: Any = workers.outcome_of(shared, SimpleNamespace(), cell, lambda _: None)  # type: ignore[arg-type]
    assert isinstance(outcome, workers.Failed)
    assert outcome.why.startswith("unexpected RuntimeError: something that nobody has foreseen in three lines (")
    assert "\n" not in outcome.why and __file__ in outcome.why
