"""Standard benchmarks, scored by EleutherAI's harness (https://github.com/EleutherAI/lm-evaluation-harness).

Everything that it makes of a task (prompts, few-shot examples, metrics) is its own, so that figures compare with those
that others publish. The federation's prompt template is not used, but the base model's chat template is, if the spec
names it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedprotocol.errors import FedError
from fedprotocol.foreign_errors import in_a_line

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

BATCH = 8
ERROR = "_stderr"
NOT_A_METRIC = ("alias", "name", "sample_len", "sample_count")


class BenchmarkError(FedError):
    """A benchmark cannot be run. The message names it, and what to do."""


@dataclass(frozen=True)
class Measure:
    """One metric of one task. `reading`: how the harness read the answers; "none": as they are. `error`: the standard
    error of `value`, None where the harness gives none. `items`: how many were scored."""

    task: str
    metric: str
    reading: str
    value: float
    error: float | None
    shots: int
    items: int


def run_benchmarks(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    tasks: Sequence[str],
    folder: Path | None = None,
    limit: int | None = None,
    is_chat: bool = False,
) -> list[Measure]:
    """Score `model` on the harness's `tasks`, which may be patterns such as `arc_*`.

    Args:
        folder: has task files (YAML) of your own, beside the harness's.
        limit: only so many items of each task.
        is_chat: put every question into the tokenizer's chat template.

    Raises:
        BenchmarkError: the harness is not installed, knows no such task, or cannot get or read a task's data.
    """
    try:
        from lm_eval import simple_evaluate
        from lm_eval.models.huggingface import HFLM
        from lm_eval.tasks import TaskManager
    except ImportError as error:
        raise BenchmarkError(f"benchmarks need more libraries ({error}): pip install 'fednode[benchmarks]'") from error
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    try:
        manager = TaskManager(include_path=None if folder is None else str(folder.absolute()))
        chosen = {name: manager.match_tasks([name]) for name in tasks}
        if unknown := [name for name, found in chosen.items() if not found]:
            raise BenchmarkError(
                f"there is no benchmark {', '.join(unknown)}: `lm-eval ls tasks` lists those that there are, and "
                "--task-folder names a folder with task files of your own"
            )
        found = simple_evaluate(
            model=HFLM(pretrained=model, tokenizer=tokenizer, batch_size=BATCH),
            tasks=sorted({one for names in chosen.values() for one in names}),
            task_manager=manager,
            limit=limit,
            log_samples=False,
            apply_chat_template=is_chat,
        )
    except FedError:
        raise
    except Exception as error:  # of whatever a task's file, its data or its metric does
        raise BenchmarkError(f"the benchmark {', '.join(tasks)} ended with an error: {in_a_line(error)}") from error
    return measures(found or {})


def measures(found: Mapping[str, Any]) -> list[Measure]:
    """The metrics in what `simple_evaluate` returns, in its order."""
    made = []
    for task, values in found.get("results", {}).items():
        items = found.get("n-samples", {}).get(task, {}).get("effective", 0)
        for key, value in values.items():
            metric, _, reading = key.partition(",")
            if metric in NOT_A_METRIC or metric.endswith(ERROR) or not isinstance(value, int | float):
                continue
            error = values.get(f"{metric}{ERROR},{reading}")
            known = isinstance(error, int | float) and math.isfinite(error)
            shots = found.get("n-shot", {}).get(task, 0)
            made.append(Measure(task, metric, reading, float(value), float(error) if known else None, shots, items))
    return made
