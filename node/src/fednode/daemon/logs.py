"""Where a node's log lines go besides standard error: `logs/fednode.log`, always for people; a terminal's colours."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING

from fedprotocol.errors import FedError
from fedprotocol.program.logs import LINE, HumanFormatter, listening

from fednode.progress_bar import terminal

if TYPE_CHECKING:
    from rich.console import Console

log = logging.getLogger("fednode")

LOG = "fednode.log"
LARGEST = 10_000_000  # bytes
KEPT = 3


class LogFile(RotatingFileHandler):
    """A log that a full disk leaves gaps in: it must not stop the program, and standard error has every line."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)

    def close(self) -> None:
        with suppress(OSError):  # what was not written before is tried once more
            super().close()


@contextmanager
def log_file(folder: Path) -> Iterator[None]:
    """Keep every line, also those of debugging, while in the context."""
    folder.mkdir(parents=True, exist_ok=True)
    file = LogFile(folder / LOG, maxBytes=LARGEST, backupCount=KEPT, encoding="utf-8")
    file.setFormatter(HumanFormatter(LINE))
    with listening(file):
        yield


@contextmanager
def kept_in_log() -> Iterator[None]:
    """The traceback of an error that nobody foresaw is in the log file; in the terminal it is a line."""
    try:
        yield
    except FedError:
        raise
    except Exception:
        log.debug("unexpected error", exc_info=True)
        raise


def terminal_handler() -> logging.Handler | None:
    """Above the progress bar; None where standard error is no terminal."""
    console = terminal()
    return None if console is None else Lines(console)


class Lines(logging.Handler):
    """A record is a line of the terminal, which alone breaks it where it ends: what is copied is whole."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        from rich.text import Text

        try:
            style = "red" if record.levelno >= logging.ERROR else "yellow" if record.levelno >= logging.WARNING else ""
            self._console.print(Text(self.format(record), style), soft_wrap=True)
        except Exception:  # as logging's own handlers: a log must not end a program
            self.handleError(record)
