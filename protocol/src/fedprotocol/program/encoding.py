"""Output in the encoding of whoever reads it: what that lacks is written in another way, and never ends a program.

A terminal or a pipe may know ASCII alone (`LANG=C`, `PYTHONIOENCODING=ascii`, Latin-1).
"""

from __future__ import annotations

import codecs
import os
import re
import sys
from collections.abc import Mapping
from typing import Any

from fedprotocol.printable import json_escape

ERRORS = "fedprotocol.spelled_out"  # the name of the way, as Python's codecs know it
ASCII = {
    "…": "...",
    "–": "-",
    "—": "-",
    "“": '"',
    "”": '"',
    "’": "'",
    "→": "->",
    "×": "x",
    "±": "+-",
    "·": "-",
    "\xa0": " ",
}
"""What our own sentences and tables hold besides ASCII. All else is written as its code: `\\xfc`, `\\u2028`."""


def spell_out() -> None:
    """From now on no character ends a program because standard output or standard error cannot show it."""
    codecs.register_error(ERRORS, _spelled)
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            ascii_alone = stream.isatty() and _asks_for_ascii(os.environ)
            reconfigure(encoding="ascii" if ascii_alone else None, errors=ERRORS)


def _asks_for_ascii(environment: Mapping[str, str]) -> bool:
    """Whether somebody set the locale to C. Python writes UTF-8 there all the same (PEP 538 and 540), for which it sets
    LC_CTYPE, and a terminal that knows ASCII alone would show something else."""
    locales = (environment.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    chosen = next((locale for locale in locales if locale and not locale.startswith("C.")), "")
    return chosen in ("C", "POSIX") and "PYTHONIOENCODING" not in environment


def json_for(stream: Any, text: str) -> str:
    """JSON `text` as `stream` can take it: what its encoding lacks as JSON's own `\\u…`, so that it stays JSON."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return re.sub(r"[^\x00-\x7f]", lambda found: json_escape(found.group()), text)
    return text


def _spelled(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    shown = "".join(ASCII.get(character) or _code(character) for character in lacking)
    return shown, error.end


def _code(character: str) -> str:
    return character.encode("ascii", "backslashreplace").decode()
