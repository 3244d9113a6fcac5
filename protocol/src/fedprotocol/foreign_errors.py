"""The border to other people's libraries: whatever they raise leaves as an error of ours, in a line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fedprotocol.errors import FedError, refusals_told
from fedprotocol.printable import printable

_LONGEST = 300  # characters of what a library says: some list every class they know


@contextmanager
def told_as(kind: type[FedError], what: str, then: str = "") -> Iterator[None]:
    """Raise `kind` in place of every exception that is none of ours: `what`, the library's own words, `then`.

    Libraries change which exceptions they raise, and some raise bare `Exception`: none is named here, but for what Rust
    raises where it gives up, which is no Exception.
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
    """What a library says, without its line breaks and not at length; its name too where it says nothing of use. Of the
    system's errors what is wrong, and with which file."""
    if isinstance(error, OSError) and error.strerror:
        return printable(f"{error.strerror}: {error.filename}" if error.filename else error.strerror, _LONGEST)
    message, _, _ = str(error).partition("For further information visit")  # as pydantic's ends
    message = printable(" ".join(message.split()), _LONGEST)
    if "trust_remote_code" in str(error):  # what is said may be cut before it
        return "it needs code of its own, which is never run"
    has_words = len(message.split()) > 2
    return message if has_words else f"{type(error).__name__}{message and ': '}{message}"
