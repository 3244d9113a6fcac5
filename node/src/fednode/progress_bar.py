"""A progress bar under the log lines of a terminal; nothing at all where standard error is none."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Self

from fedprotocol.printable import printable
from fedprotocol.program.slow_work import told_if_slow

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID


@cache
def terminal() -> Console | None:
    """The one console that log lines and the bar share, or None where standard error is no terminal."""
    if not sys.stderr.isatty():
        return None
    from rich.console import Console

    return Console(stderr=True)


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show how far `what` is: a bar on a terminal, elsewhere a line now and then once it takes long."""
    if terminal() is None:
        with told_if_slow(what) as work:
            yield work.at
    else:
        with ProgressBar() as bar:
            yield lambda done, total: bar.show(what, done, total)


class ProgressBar:
    """Shown from the first `show` until it is done, gone after `close`."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def show(self, what: str, done: int, total: int, loss: float | None = None) -> None:
        """`done` of `total` steps of `what`; a `total` of 0 hides the bar."""
        console = terminal()
        if console is None:
            return
        if total == 0:
            self.close()
            return
        from rich.markup import escape

        if self._bar is None or self._task is None:
            from rich.progress import Progress

            self._bar = Progress(console=console, transient=True)
            self._task = self._bar.add_task("")
            self._bar.start()
        text = what if loss is None else f"{what}, loss {loss:.3f}"
        self._bar.update(self._task, description=escape(printable(text)), completed=done, total=total)

    def close(self) -> None:
        """Remove it."""
        if self._bar is not None:
            self._bar.stop()
        self._bar, self._task = None, None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
