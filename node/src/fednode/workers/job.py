"""The folder through which a daemon and its workers talk. Each file has its name only when it is whole.

settings.json        what every worker loads, once: `Settings`
spec.json            the federation's document
alive                changes as long as the daemon lives
ready.json           how the base model is held: `Ready`, from the worker that leads
failed-<rank>.json   why a worker ended: `Failed`
job-<n>/             jobs, from 1 on
  job.json           `Job`
  global.npy         int32 [value_count]: the adapter that the job is about
  start.npy          float32 [value_count]: where training begins, if that is not the adapter
  stop               the job is not wanted any more
  steps.jsonl        a `StepRecord` for each step that is made
  done.json          `Done`
  delta.npy          float64 [value_count]: what training changed, in units of 2^-24
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fedprotocol.files.private import private_folder
from fedprotocol.files.whole import PRIVATE, write_whole, written_whole
from pydantic import BaseModel, ConfigDict, TypeAdapter

from fednode.config import DataConfig, ModelConfig
from fednode.data_source import Portion
from fednode.evaluation.score import Evaluation
from fednode.training.types import StepRecord

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_STEP = TypeAdapter(StepRecord)


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Settings(Record):
    """What every worker loads. `rows`: the folder with copies of large data files; `shard`: it keeps a part of the base
    model only."""

    model: ModelConfig
    data: DataConfig
    rows: Path
    shard: bool = False


class Ready(Record):
    held: str
    processes: int


class Job(Record):
    """Train for `round` with `seed` on `rows`, or score them with the adapter."""

    kind: Literal["train", "score"]
    rows: Portion
    round: int = 0
    seed: int = 0


class Done(Record):
    """How a job ended; which of these is set follows from its kind. `stopped`: it was not wanted any more."""

    stopped: bool = False
    score: Evaluation | None = None
    drawn: int = 0
    truncated: int = 0


class Failed(Record):
    """`is_ours`: it is one of our own errors, which says what to do; another one may only follow from the end of
    another process. `loading`: it came before the first job. `kind`: the name of the error's class."""

    is_ours: bool
    loading: bool
    kind: str
    message: str


class Folder:
    """The folder at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.settings, self.spec = path / "settings.json", path / "spec.json"
        self.alive, self.ready = path / "alive", path / "ready.json"

    def job(self, number: int) -> JobFolder:
        return JobFolder(self.path / f"job-{number}")

    def failed(self, rank: int) -> Path:
        return self.path / f"failed-{rank}.json"

    def failures(self) -> list[Failed]:
        """The failures that are written down so far. Those that say what to do come first."""
        files = sorted(self.path.glob("failed-*.json"))
        found = [Failed.model_validate_json(file.read_bytes()) for file in files]
        return sorted(found, key=lambda failed: not failed.is_ours)


class JobFolder:
    """The folder of one job."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.job, self.done, self.stop = path / "job.json", path / "done.json", path / "stop"
        self.steps = path / "steps.jsonl"
        self.adapter, self.start, self.delta = path / "global.npy", path / "start.npy", path / "delta.npy"

    def order(self, job: Job, adapter: NDArray[np.int32], start: NDArray[np.float32] | None) -> None:
        """Write the job, so that the workers begin with it."""
        private_folder(self.path)
        save(self.adapter, adapter)
        if start is not None:
            save(self.start, start)
        put(self.job, job)

    def tell(self, record: StepRecord) -> None:
        """Append a step."""
        with self.steps.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(record)) + "\n")

    def told(self, known: int) -> Iterator[StepRecord]:
        """The steps that are made, but for the first `known`."""
        if self.steps.is_file():
            lines = self.steps.read_text(encoding="utf-8").split("\n")[:-1]  # the last may be half written
            for line in lines[known:]:
                yield _STEP.validate_json(line)


def put(path: Path, record: Record) -> None:
    """Write `record` whole, for this user alone."""
    write_whole(path, record.model_dump_json(), mode=PRIVATE, synced=False)


def save(path: Path, values: NDArray[Any]) -> None:
    """Write an array whole, for this user alone."""
    import numpy as np

    with written_whole(path, PRIVATE) as file:
        np.save(file, values, allow_pickle=False)
