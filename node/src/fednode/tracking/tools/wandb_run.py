"""Weights & Biases: files of an offline run, or a server if the config names one."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fednode.tracking.chapters import ROUND, Chapter
from fednode.tracking.tracker import Run, TrackerError

PATIENCE = 60.0  # seconds
MOMENT = 1.0  # seconds in which W&B's process has read what it was given


def open_tracker(run: Run) -> WandbRun:
    return WandbRun(run)


class WandbRun:
    """All values are drawn over the federation's rounds. Of code, machine, git and console W&B is told nothing.

    Its own process takes the values, and writes them to a file every ten seconds; a kill before that loses them, so
    that they count as taken once the file has them. A server leaves out steps that it has already.
    """

    def __init__(self, run: Run) -> None:
        os.environ["WANDB_ERROR_REPORTING"] = "false"  # it would report its own errors to its makers
        if run.key is not None:
            os.environ["WANDB_API_KEY"] = run.key
        import wandb

        run.folder.mkdir(parents=True, exist_ok=True)
        settings: dict[str, Any] = {
            "console": "off",
            "disable_git": True,
            "disable_code": True,
            "save_code": False,
            "x_disable_stats": True,
            "x_disable_meta": True,
            "silent": True,
        }
        if run.server is not None:
            settings["base_url"] = run.server
        self._run: Any = wandb.init(
            project=run.project,
            name=run.name,
            id=run.id,
            dir=str(run.folder),
            mode="offline" if run.server is None else "online",
            resume=None if run.server is None else "allow",
            config=run.about,
            settings=wandb.Settings(**settings),
        )
        self._run.define_metric(ROUND)
        for group in ("train/*", "round/*"):
            self._run.define_metric(group, step_metric=ROUND)

    def take(self, chapters: Sequence[Chapter], before: int) -> None:
        points = [point for chapter in chapters for point in chapter.points]
        for step, point in enumerate(points, before):
            self._run.log({ROUND: point.round, **point.values}, step=step, commit=True)
        time.sleep(MOMENT)
        length = self._length()
        self._run.config.update({"points": before + len(points)}, allow_val_change=True)  # comes after all of them
        until = time.monotonic() + PATIENCE
        while self._length() == length:
            if time.monotonic() > until:
                raise TrackerError(f"W&B has written nothing down for {PATIENCE:.0f} s")
            time.sleep(0.1)

    def close(self) -> None:
        self._run.finish()

    def _length(self) -> int:
        """How long the file is in which the run is kept, in bytes."""
        return sum(file.stat().st_size for file in Path(self._run.dir).parent.glob("run-*.wandb"))
