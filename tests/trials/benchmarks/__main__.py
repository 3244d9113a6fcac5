"""`make benchmarks`: fednode's model in the real lm-evaluation-harness on a task of ours, beside fednode's own score.

The answers of the task are single tokens, so that the harness's choice of the likeliest answer and fednode's of the
likeliest class are the same question, and the accuracies must be equal. Exits with 1 if they are not.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from datasets import Dataset
from fednode.evaluation.benchmarks import BenchmarkError, run_benchmarks
from fednode.training import AdapterModel
from fedprotocol.spec import Evaluation, Spec
from support.tiny_model import CLASSES, TEMPLATE, build_tiny_model, colour_rows, write_jsonl
from support.tiny_spec import tiny_spec

ITEMS = 120
TASK = """
task: colours
dataset_path: json
dataset_kwargs:
  data_files:
    test: {data}
test_split: test
output_type: multiple_choice
doc_to_text: "{text}"
doc_to_target: "{{{{choices.index(completion.strip())}}}}"
doc_to_choice: {choices}
metric_list:
  - metric: acc
"""


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        base = build_tiny_model(folder / "model")
        spec, adapter = tiny_spec(base, "fp32", evaluation=Evaluation(classes=CLASSES), steps=40)
        model = AdapterModel.load(spec, str(base), "cpu", 1)
        model.set_global(adapter.units)
        rows = colour_rows(ITEMS, seed=5)
        write_jsonl(folder / "colours.jsonl", [{**row, "choices": [c.strip() for c in CLASSES]} for row in rows])
        (folder / "tasks").mkdir()
        (folder / "tasks/colours.yaml").write_text(
            TASK.format(
                data=folder / "colours.jsonl",
                text=TEMPLATE.replace("\n", "\\n").replace("{prompt}", "{{prompt}}"),
                choices=[c.strip() for c in CLASSES],
            )
        )
        right = compared(model, spec, folder, rows, "before training")
        model.train(spec, Dataset.from_list(colour_rows(200, seed=1)), 1, seed=1)
        assert not np.array_equal(model.values(), adapter.units)
        right &= compared(model, spec, folder, rows, "after training")
        try:
            run_benchmarks(model.with_adapter, model.encoder.tokenizer, ["no_such_task"])
        except BenchmarkError as error:
            print(error)
        else:
            right = False
    print("all right" if right else "WRONG")
    return not right


def compared(model: AdapterModel, spec: Spec, folder: Path, rows: list[dict[str, str]], when: str) -> bool:
    own = model.evaluate(spec, Dataset.from_list(rows))
    found = run_benchmarks(model.with_adapter, model.encoder.tokenizer, ["colours"], folder / "tasks")
    [theirs] = [one for one in found if one.metric == "acc"]
    said = f"{theirs.task} {theirs.metric} {theirs.value:.4f} ± {theirs.error:.4f} of {theirs.items}"
    print(f"{when}: {said}; fednode's own accuracy {own.accuracy:.4f}")
    return own.accuracy is not None and abs(theirs.value - own.accuracy) < 1e-9 and theirs.items == len(rows)


if __name__ == "__main__":
    raise SystemExit(main())
