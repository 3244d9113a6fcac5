"""`fednode evaluate --tasks`: what is read from the harness's results, and what is said without it. `make benchmarks`
tries the real harness."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from fednode.cli.app import app
from fednode.evaluation.benchmarks import BenchmarkError, Measure, measures, run_benchmarks
from typer.testing import CliRunner

RESULTS: dict[str, Any] = {  # as lm_eval 0.4.13 returned them, without what is not read
    "results": {
        "colours": {
            "name": "colours",
            "alias": "colours",
            "sample_len": 120,
            "acc,none": 0.3416666666666667,
            "acc_stderr,none": 0.04347610112117389,
        },
        "gsm8k": {
            "alias": "gsm8k",
            "exact_match,strict-match": 0.25,
            "exact_match_stderr,strict-match": "N/A",
            "exact_match,flexible-extract": 0.5,
            "exact_match_stderr,flexible-extract": float("nan"),
        },
    },
    "n-shot": {"colours": 0, "gsm8k": 5},
    "n-samples": {"colours": {"original": 120, "effective": 120}, "gsm8k": {"original": 1319, "effective": 4}},
}


def test_every_metric_is_read() -> None:
    assert measures(RESULTS) == [
        Measure("colours", "acc", "none", 0.3416666666666667, 0.04347610112117389, 0, 120),
        Measure("gsm8k", "exact_match", "strict-match", 0.25, None, 5, 4),
        Measure("gsm8k", "exact_match", "flexible-extract", 0.5, None, 5, 4),
    ]
    assert measures({}) == []


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lm_eval", None)  # as Python does for what cannot be imported
    model: Any = None
    with pytest.raises(BenchmarkError, match=r"pip install 'fednode\[benchmarks\]'"):
        run_benchmarks(model, model, ["arc_easy"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rows.jsonl", "--tasks", "arc_easy"], "leave one of them out"),
        (["--limit", "5"], "belong to --tasks"),
        (["rows.jsonl", "--task-folder", "tasks"], "belong to --tasks"),
    ],
)
def test_options_that_do_not_fit(words: list[str], message: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["evaluate", *words, "--config", str(tmp_path / "fednode.toml")])
    assert message in str(result.exception)
