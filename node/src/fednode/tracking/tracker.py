"""What a tracker of experiments must do for a node: a port, and what is given to whatever opens one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from fedprotocol.errors import FedError

from fednode.tracking.chapters import Chapter, Point

TOOLS = {
    "csv": "csv_files",
    "tensorboard": "tensorboard_events",
    "wandb": "wandb_run",
    "mlflow": "mlflow_run",
    "trackio": "trackio_run",
}
"""Tool -> its module in `fednode.tracking.tools`."""


class TrackerError(FedError):
    """A tracker cannot be used now; the message names it."""


class MissingTool(TrackerError):
    """The tool's package is not installed."""


@dataclass(frozen=True)
class Run:
    """The one run that a tool keeps of this node. `folder`: for the tool's files. `id` stays the same for as long as
    the folder does. `server`: on another machine, None for none; `key`: what it wants to be shown. `about`: facts of
    the run that never change."""

    folder: Path
    project: str
    name: str
    id: str
    server: str | None = None
    key: str | None = None
    about: dict[str, str] = field(default_factory=dict)


class Tracker(Protocol):
    """One run in one tool. Each method may raise anything."""

    def take(self, chapters: Sequence[Chapter], before: int) -> None:
        """Keep the chapters: they are on the disk, or with the server, when it returns. After a kill they may be given
        again, and what is there already must not be there twice. `before`: how many points it was given before them."""

    def close(self) -> None:
        """Let the tool end what it still does in the background."""


def open_tracker(tool: str, run: Run) -> Tracker:
    """Raises MissingTool, and whatever the tool raises."""
    module = import_module(f"fednode.tracking.tools.{TOOLS[tool]}")
    try:
        return cast(Tracker, module.open_tracker(run))
    except ModuleNotFoundError as error:
        raise MissingTool(f"{error.name} is not installed: pip install 'fednode[loggers]'") from error


class Known:
    """The values that a tool has already, by name and step."""

    def __init__(self, values: Iterable[tuple[str, int, float]] = ()) -> None:
        self._values = {(name, step): value for name, step, value in values}

    def new(self, chapters: Sequence[Chapter]) -> Iterator[Point]:
        """The points of the chapters, without what is known; from then on they are."""
        for point in (point for chapter in chapters for point in chapter.points):
            fresh = {n: v for n, v in point.values.items() if self._values.get((n, point.step)) != v}
            if fresh:
                yield Point(point.step, point.round, fresh, point.at)
                self._values |= {(name, point.step): value for name, value in fresh.items()}
