"""A secret in a file of its own: its first line, of a file that nobody else may read."""

from __future__ import annotations

import stat
from pathlib import Path

from fedprotocol.errors import FedError
from fedprotocol.files.private import exposure
from fedprotocol.files.text import NotText, read_text


def secret_in(file: Path, what: str, error: type[FedError]) -> str:
    """The first line of `file`, as it is.

    Args:
        what: the kind of file, for the message, such as "password file".

    Raises `error`: there is no such file, it cannot be read, is empty or no text, or others may read it.
    """
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise error(f"the {what} {file} is not a file")
        if exposed := exposure(file):
            raise error(exposed.text)
        first = read_text(file).partition("\n")[0].removesuffix("\r")
    except FileNotFoundError:
        raise error(f"there is no {what} {file}") from None
    except NotText as problem:
        raise error(f"the {what} {file} {problem}") from None
    except OSError as problem:
        raise error(f"the {what} {file} cannot be read: {problem.strerror}") from None
    if not first.strip():
        raise error(f"the {what} {file} is empty")
    return first
