"""Output in the encoding of whoever reads it: what that lacks is written in another way, and never ends a program.

A terminal or a pipe may know ASCII alone (`LANG=C`, `PYTHONIOENCODING=ascii`, Latin-1).
"""

from __future__ import annotations

import codecs
import re
import sys
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
            reconfigure(errors=ERRORS)


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
