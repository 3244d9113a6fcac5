"""What each tool has kept, asked of its own library: (name, x, value), as often as it stands there. `x`: the round,
with its fraction, where the tool has such an axis, else the step."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BLOCK = 32768  # bytes

Row = tuple[str, float, float]


def tensorboard(folder: Path) -> Iterator[Row]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    [run] = [path for path in folder.iterdir() if path.is_dir()]
    events = EventAccumulator(str(run), size_guidance={"scalars": 0})
    events.Reload()
    for name in events.Tags()["scalars"]:
        yield from ((name, event.step, event.value) for event in events.Scalars(name))


def wandb(folder: Path) -> Iterator[Row]:
    for record in wandb_records(folder):
        if record.WhichOneof("record_type") == "history":
            values = {i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in record.history.item}
            yield from ((k, values["round"], v) for k, v in values.items() if k.startswith(("train/", "round/")))


def wandb_axes(folder: Path) -> set[tuple[str, str]]:
    """(metrics, what they are drawn over), as the files define it."""
    metrics = [r.metric for r in wandb_records(folder) if r.WhichOneof("record_type") == "metric"]
    return {(metric.glob_name or metric.name, metric.step_metric) for metric in metrics if metric.step_metric}


def wandb_records(folder: Path) -> Iterator[Any]:
    """Of the files of all offline runs. W&B has no reader of them in Python; they are logs of LevelDB after a head of 7
    bytes (https://github.com/google/leveldb/blob/main/doc/log_format.md)."""
    from wandb.proto.wandb_internal_pb2 import Record

    for file in sorted(folder.glob("wandb/offline-run-*/run-*.wandb")):
        content, place, parts = file.read_bytes(), 7, b""
        while place + 7 <= len(content):
            if BLOCK - place % BLOCK < 7:
                place += BLOCK - place % BLOCK
                continue
            length, kind = int.from_bytes(content[place + 4 : place + 6], "little"), content[place + 6]
            parts += content[place + 7 : place + 7 + length]
            place += 7 + length
            if kind in (1, 4):  # whole, or its last part
                yield Record.FromString(parts)
                parts = b""


def mlflow(folder: Path) -> Iterator[Row]:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    [run] = client.search_runs([client.get_experiment_by_name("colours").experiment_id])
    for name in run.data.metrics:
        yield from ((name, metric.step, metric.value) for metric in client.get_metric_history(run.info.run_id, name))


def trackio(folder: Path) -> Iterator[Row]:
    os.environ["TRACKIO_DIR"] = str(folder)
    from trackio.sqlite_storage import SQLiteStorage

    assert SQLiteStorage.get_runs("colours") == ["clinic"]
    for row in SQLiteStorage.get_logs("colours", "clinic"):
        yield from ((k, row["round"], v) for k, v in row.items() if k.startswith(("train/", "round/")))


def csv(folder: Path) -> Iterator[Row]:
    from csv import DictReader

    for table, group in (("steps", "train"), ("rounds", "round")):
        for row in DictReader((folder / f"{table}.csv").read_text().splitlines()):
            x = float(row.pop("round"))
            del row["step"]
            yield from ((f"{group}/{name}", x, float(value)) for name, value in row.items() if value)


READERS = {"csv": csv, "tensorboard": tensorboard, "wandb": wandb, "mlflow": mlflow, "trackio": trackio}
BY_STEP = {"tensorboard", "mlflow"}
