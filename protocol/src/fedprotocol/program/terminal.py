"""What a command says to the person who called it. Text from elsewhere is always shown as plain text and cannot control
the terminal."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

from fedprotocol.errors import FedError
from fedprotocol.foreign_errors import in_a_line
from fedprotocol.printable import json_text, paragraph, printable
from fedprotocol.program import environment, interrupt
from fedprotocol.program.encoding import json_for, spell_out
from fedprotocol.program.garbage import collect_seldom
from fedprotocol.program.logs import without_secrets

DEBUG = "--debug"


def say(*lines: str, error: bool = False) -> None:
    """Print each of `lines` as one line, to standard error if it is part of an `error`."""
    for line in lines:
        print(printable(without_secrets(line)), file=sys.stderr if error else sys.stdout)


def say_json(value: Any) -> None:
    """Print `value` as JSON, for other programs."""
    print(json_for(sys.stdout, json_text(value, indent=2)))


def warn(message: str) -> None:
    """One line on standard error: something that a person should know, and that stops nothing."""
    say(f"warning: {message}", error=True)


def say_error(error: object) -> None:
    """Write one message to standard error that says what a person can do."""
    print(f"error: {paragraph(without_secrets(str(error)))}", file=sys.stderr)


def run_program(app: Callable[[], None]) -> None:
    """Run a console command in an environment that influences no library. Every error becomes one message and an exit
    status. With `--debug` anywhere among the arguments, the traceback of an unexpected error is shown above the
    message, with all text made safe to show.
    """
    collect_seldom()
    environment.settle()
    spell_out()
    debug = DEBUG in sys.argv[1:]
    sys.argv[1:] = [word for word in sys.argv[1:] if word != DEBUG]
    sys.excepthook = lambda _, error, __: _say_unexpected(error, debug)
    threading.excepthook = lambda it: _say_unexpected(it.exc_value, debug)
    try:
        app()
        if interrupt.was_pressed():
            sys.exit()
    except SystemExit as ended:
        if not interrupt.was_pressed():
            raise
        interrupt.say()
        sys.exit(ended.code or interrupt.STATUS)
    except FedError as error:
        if debug:
            _say_trace(error)
        say_error(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()  # the reader closed the pipe, as in `fednode rounds | head`
        sys.exit(1)
    except Exception as error:
        _say_unexpected(error, debug)
        sys.exit(1)


def unexpected(error: BaseException) -> str:
    """An unexpected error in one line: its message if it comes from the system, otherwise its class too."""
    if isinstance(error, OSError) and error.strerror:
        return in_a_line(error)
    kind, message = type(error).__name__, in_a_line(error)
    return f"unexpected {message}" if message.startswith(kind) else f"unexpected {kind}: {message}"


def _say_unexpected(error: BaseException | None, debug: bool) -> None:
    if error is None or isinstance(error, SystemExit):
        return
    if debug:
        _say_trace(error)
    say_error(unexpected(error) + ("" if debug else f"\nrun it again with {DEBUG} to see where it comes from"))


def _say_trace(error: BaseException) -> None:
    trace = "".join(traceback.format_exception(error))
    print(paragraph(without_secrets(trace)), file=sys.stderr)
