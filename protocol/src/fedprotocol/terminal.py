"""What a command says to the person who called it: no text that came from elsewhere can be more than text."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable
from types import TracebackType

from fedprotocol.errors import FedError
from fedprotocol.logs import without_secrets
from fedprotocol.printable import paragraph, printable


def say(*lines: str, error: bool = False) -> None:
    """Print each of `lines` as one line, to standard error if it is part of an `error`."""
    for line in lines:
        print(printable(without_secrets(line)), file=sys.stderr if error else sys.stdout)


def say_error(error: object) -> None:
    """One message on standard error: what a person can act on."""
    print(f"error: {paragraph(without_secrets(str(error)))}", file=sys.stderr)


def run_program(app: Callable[[], None]) -> None:
    """A console command: an error a person can act on is one message and an exit status, never a traceback; the
    traceback of any other shows what others wrote as text."""
    sys.excepthook = _say_unexpected
    threading.excepthook = lambda it: _say_unexpected(it.exc_type, it.exc_value, it.exc_traceback)
    try:
        app()
    except FedError as error:
        say_error(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()  # the reader went away, as in `fednode rounds | head`
        sys.exit(1)


def _say_unexpected(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if not issubclass(kind, SystemExit):
        said = "".join(traceback.format_exception(kind, error, trace))
        print(paragraph(without_secrets(said)), file=sys.stderr)
