"""Log lines of a daemon: sentences for people in a terminal, and one JSON object a line elsewhere. Neither form ever
contains a secret, or a character that a terminal would obey."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from fedprotocol.errors import FedError
from fedprotocol.printable import json_text, paragraph, printable
from fedprotocol.program.encoding import json_for

VARIABLE = "FED_LOG_FORMAT"  # environment variable with the form of the lines, if no option names it
PACKAGES = ("fedprotocol", "fedaggregator", "fednode", "fedexplorer")
LINE = "%(asctime)s %(levelname)-7s %(message)s"
HIDDEN = "[hidden]"
SHORTEST_SECRET = 8  # characters; a shorter text is no key, and hiding it would hide ordinary words
LONGEST_MESSAGE = 8000  # characters

_secrets: set[str] = set()
_moment: dict[str, Any] = {}


class LogFormat(StrEnum):
    """`auto`: human in a terminal, JSON elsewhere."""

    AUTO = "auto"
    HUMAN = "human"
    JSON = "json"


def hide(secret: str) -> None:
    """From now on, hide `secret` in all lines, tracebacks included."""
    if len(secret) >= SHORTEST_SECRET:
        _secrets.add(secret)


def hide_in(*urls: str | None) -> None:
    """Hide the parts of a URL that may be a key: user, password, path and query."""
    for parts in map(urlsplit, filter(None, urls)):
        hide(parts.netloc.rpartition("@")[0])
        hide((parts.path + ("?" + parts.query if parts.query else "")).lstrip("/"))


def tell_moment(round_number: int, phase: str) -> None:
    """Set the round that was opened last, and its phase. Every JSON line names both from now on."""
    _moment.update(round=round_number, phase=phase)


def without_secrets(text: str) -> str:
    """`text` with every hidden secret in it replaced."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


class HumanFormatter(logging.Formatter):
    """Writes a record as one line, whatever its message contains. The lines of a traceback follow it, indented."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        # Other handlers get the same record, so this one works on a copy.
        shown = logging.makeLogRecord(vars(record))
        shown.message = printable(without_secrets(record.message).rstrip("\n"), LONGEST_MESSAGE)
        return super().formatMessage(shown)

    def format(self, record: logging.LogRecord) -> str:
        line, _, below = super().format(record).partition("\n")
        return "\n    ".join(filter(None, (line, below and paragraph(without_secrets(below), margin="    "))))


class JsonFormatter(logging.Formatter):
    """Keys: time (ISO 8601, UTC), level, logger, message; round and phase once they are known; exception (a traceback)
    where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
            **_moment,
        }
        if record.exc_info:
            entry["exception"] = without_secrets(self.formatException(record.exc_info))
        return json_for(sys.stderr, json_text(entry))


@contextmanager
def logging_as(
    choice: LogFormat, program: str, terminal: logging.Handler | None, level: int = logging.INFO
) -> Iterator[None]:
    """Log to standard error while in the context. If the log is in JSON, an error that ends the context becomes a line
    of the log too.

    Args:
        choice: the form of the lines.
        program: the name of its logger.
        terminal: how to write to standard error if it is a terminal. level: the level of the least important lines that
            are shown.
    """
    is_json = choice is LogFormat.JSON or (choice is LogFormat.AUTO and terminal is None)
    console = terminal if terminal is not None and not is_json else logging.StreamHandler()
    console.setFormatter(JsonFormatter() if is_json else HumanFormatter(LINE, datefmt="%H:%M:%S"))
    console.setLevel(level)
    log = logging.getLogger(program)
    with listening(console):
        try:
            yield
        except FedError as error:
            if not is_json:
                raise
            log.critical("%s", error)
            raise SystemExit(error.exit_code) from None
        except Exception:
            if not is_json:
                raise
            log.critical("unexpected error", exc_info=True)
            raise SystemExit(1) from None


@contextmanager
def listening(handler: logging.Handler) -> Iterator[None]:
    """Send the lines of our own packages, of every level, and the warnings of all other libraries to `handler` while in
    the context."""
    root = logging.getLogger()
    for name in PACKAGES:
        logging.getLogger(name).setLevel(logging.DEBUG)
    logging.captureWarnings(True)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        logging.captureWarnings(False)
        handler.close()
