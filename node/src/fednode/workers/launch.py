"""The command that starts the processes, out of `[training] launch`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from fednode.config import TrainingConfig

WORKER, MODULE = "{worker}", "{module}"


def command(training: TrainingConfig, device: str, folder: Path) -> list[str]:
    """For a config whose `launch` is not "process"."""
    module = ["-m", "fednode.workers.worker", str(folder)]
    worker = [sys.executable, *module]
    match training.launch:
        case "torchrun":
            count = str(training.processes or ("gpu" if device == "cuda" else 1))
            return [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", count, *module]
        case "slurm":
            return ["srun", *([f"--ntasks={training.processes}"] if training.processes else []), *worker]
        case own:
            return _filled(shlex.split(own), {WORKER: worker, MODULE: module})


def _filled(words: Sequence[str], means: dict[str, list[str]]) -> list[str]:
    return [part for word in words for part in means.get(word, [word])]
