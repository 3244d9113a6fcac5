"""One tool's hand-over: what it has had, what is new, and what happens when it fails."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fedprotocol.errors import FedError
from fedprotocol.files.whole import write_whole
from fedprotocol.foreign_errors import told_as
from fedprotocol.printable import json_text

from fednode.tracking.chapters import Chapter
from fednode.tracking.tracker import Run, Tracker, TrackerError

SHORTEST, LONGEST = 5.0, 600.0  # seconds before a tool that failed is tried again

Allow = Callable[[Sequence[Chapter]], None]
"""Called before chapters leave this machine; raises FedError if they may not."""


@dataclass
class HandedOver:
    """What a tool has had, in the file `path`: key of a chapter -> digest of what it said then, and how many `points`
    in all. `run`: the name by which the tool finds the same run again."""

    path: Path
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    points: int = 0
    chapters: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, path: Path) -> HandedOver:
        """From the file, or new if there is none that can be read."""
        try:
            known = json.loads(path.read_bytes())
            chapters = {str(key): str(digest) for key, digest in known["chapters"].items()}
            return cls(path, str(known["run"]), int(known["points"]), chapters)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return cls(path)

    def lacks(self, chapters: Sequence[Chapter]) -> list[Chapter]:
        return [chapter for chapter in chapters if self.chapters.get(chapter.key) != chapter.digest]

    def note(self, chapters: Sequence[Chapter]) -> None:
        """Raises OSError."""
        known = {**self.chapters, **{chapter.key: chapter.digest for chapter in chapters}}
        points = self.points + sum(len(chapter.points) for chapter in chapters)
        write_whole(self.path, json_text({"run": self.run, "points": points, "chapters": known}) + "\n")
        self.chapters, self.points = known, points


class Recipient:
    """Hands chapters to one tool, which is opened for the first of them. What it took is noted."""

    def __init__(
        self,
        tool: str,
        run: Run,
        open_: Callable[[str, Run], Tracker],
        allow: Allow = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.tool = tool
        place = f"{tool}.json" if run.server is None else f"{tool}-{_short(run.server)}.json"
        self._handed = HandedOver.of(run.folder / place)
        self._run = replace(run, id=self._handed.run)
        self._open = open_
        self._allow = allow
        self._clock = clock
        self._tracker: Tracker | None = None
        self._pause, self._not_before = SHORTEST, clock()

    def offer(self, chapters: Sequence[Chapter], is_last: bool = False) -> None:
        """Hand over what the tool lacks; nothing while it rests after a failure, unless this is the last time. Raises
        FedError."""
        new = self._handed.lacks(chapters)
        if not new or (self._clock() < self._not_before and not is_last):
            return
        try:
            self._ask(new)
            with told_as(TrackerError, f"{self.tool} does not take the figures", "training goes on without it"):
                self._hand_over(new)
        except BaseException:
            self._not_before = self._clock() + self._pause
            self._pause = min(LONGEST, 2 * self._pause)
            self._tracker = None
            raise
        self._pause = SHORTEST

    def close(self) -> None:
        """Raises TrackerError."""
        if self._tracker is not None:
            with told_as(TrackerError, f"{self.tool} cannot be closed"):
                self._tracker.close()

    def _ask(self, new: Sequence[Chapter]) -> None:
        try:
            self._allow(new)
        except FedError as error:
            raise TrackerError(f"{self.tool} is given no figures: {error}") from error

    def _hand_over(self, new: Sequence[Chapter]) -> None:
        if self._tracker is None:
            self._handed.note([])  # the run's name, before the tool learns it
            self._tracker = self._open(self.tool, self._run)
        self._tracker.take(new, self._handed.points)
        self._handed.note(new)


def _short(server: str) -> str:
    return "".join(char if char.isalnum() else "-" for char in server.partition("://")[2] or server)[:60]
