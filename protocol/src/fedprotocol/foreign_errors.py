"""The border to other people's libraries: every exception that they raise becomes one of our errors, with a message of
one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fedprotocol.errors import FedError, refusals_told
from fedprotocol.printable import printable

_LONGEST = 300  # characters that are kept of a library's message, because some list every class that they know


@contextmanager
def told_as(kind: type[FedError], what: str, then: str = "") -> Iterator[None]:
    """Raise `kind` in place of every exception that is not one of our own. Its message consists of `what`, the
    library's own words, and `then`. Libraries change which exceptions they raise, and some raise plain `Exception`, so
    no class is named here. Only what Rust code raises when it panics is named, because it is no `Exception`.
    """
    try:
        with refusals_told():
            yield
    except FedError:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise kind(f"{what}: {in_a_line(error)}{then and '; '}{then}") from error


def in_a_line(error: BaseException) -> str:
    """A library's message, shortened and without line breaks, and with the exception's name if the message says nothing
    useful. For an error of the system: what is wrong, and with which file."""
    if isinstance(error, OSError) and error.strerror:
        return printable(f"{error.strerror}: {error.filename}" if error.filename else error.strerror, _LONGEST)
    message, _, _ = str(error).partition("For further information visit")  # as pydantic's ends
    message = printable(" ".join(message.split()), _LONGEST)
    if "trust_remote_code" in str(error):  # the message may be cut before the file's name
        return "it needs code of its own, which is never run"
    has_words = len(message.split()) > 2
    return message if has_words else f"{type(error).__name__}{message and ': '}{message}"
