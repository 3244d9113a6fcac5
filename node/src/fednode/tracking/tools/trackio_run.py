"""Trackio: its database in the folder, or its own server or a Space if the config names one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

from fednode.tracking.chapters import ROUND, Chapter, Point
from fednode.tracking.tracker import Known, Run, TrackerError

PATIENCE = 30.0  # seconds


def open_tracker(run: Run) -> TrackioRun:
    return TrackioRun(run)


class TrackioRun:
    """The run of this node's name, or a new one. What a database on this machine has is read when it is opened; of a
    server it is not asked: a kill within the moment of a hand-over can leave that twice there."""

    def __init__(self, run: Run) -> None:
        os.environ["TRACKIO_DIR"] = str(run.folder)  # read when Trackio is imported
        server: dict[str, Any] = {}
        if run.server is not None and "://" in run.server:
            server = {"server_url": run.server}
            os.environ["TRACKIO_WRITE_TOKEN"] = run.key or ""
        elif run.server is not None:
            server = {"space_id": run.server, "private": True}
            if run.key is not None:
                os.environ["HF_TOKEN"] = run.key
        import trackio

        run.folder.mkdir(parents=True, exist_ok=True)
        self._project, self._name = run.project, run.name
        self._is_here = run.server is None
        self._known = Known(_values(run.project, run.name) if self._is_here else ())
        self._run: Any = trackio.init(
            project=run.project,
            name=run.name,
            resume="allow",
            config=run.about,
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
            **server,
        )

    def take(self, chapters: Sequence[Chapter], before: int) -> None:  # noqa: ARG002 (the port's)
        points = list(self._known.new(chapters))
        for point in points:
            self._run.log({ROUND: point.round, **point.values}, step=point.step)
        if self._is_here:
            self._wait_for(points)

    def close(self) -> None:
        self._run.finish()

    def _wait_for(self, points: Sequence[Point]) -> None:
        """Trackio writes in the background, and warns where it should fail. Raises TrackerError."""
        wanted = {(name, point.step, value) for point in points for name, value in point.values.items()}
        until = time.monotonic() + PATIENCE
        while wanted - {*_values(self._project, self._name)}:
            if time.monotonic() > until:
                raise TrackerError(f"Trackio has not written them down within {PATIENCE:.0f} s")
            time.sleep(0.2)


def _values(project: str, name: str) -> Iterator[tuple[str, int, float]]:
    from trackio.sqlite_storage import SQLiteStorage

    for row in SQLiteStorage.get_logs(project, name):
        for key, value in row.items():
            if "/" in key and isinstance(value, int | float):
                yield key, int(row["step"]), float(value)
