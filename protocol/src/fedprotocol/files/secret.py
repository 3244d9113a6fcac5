"""A secret in a file of its own: its first line, of a file that nobody else may read."""

from __future__ import annotations

from pathlib import Path

from fedprotocol.errors import FedError
from fedprotocol.files.private import require_private
from fedprotocol.files.text import NotText, read_text


def secret_in(file: Path, what: str, error: type[FedError]) -> str:
    """The first line of `file`, as it is.

    Args:
        what: the kind of file, for the message, such as "password file".

    Raises `error`: there is no such file, it cannot be read, is empty or no text, or others may read it.
    """
    require_private(file, what, error)
    try:
        first = read_text(file).partition("\n")[0].removesuffix("\r")
    except NotText as problem:
        raise error(f"the {what} {file} {problem}") from None
    except OSError as problem:
        raise error(f"the {what} {file} cannot be read: {problem.strerror}") from None
    if not first.strip():
        raise error(f"the {what} {file} is empty")
    return first
