"""Text that others chose, as a terminal, a log and a file may show it: what would be obeyed or unseen is written out.

Names, symbols, revert texts and error messages come from a chain, a spec or a peer. Raw, they could move the cursor,
rename the window, begin a line that passes for another, turn the order of characters round or hide some.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

LONGEST_TEXT = 500  # characters of a text that others chose freely, such as why a contract refused
LONGEST_NAME = 32  # of what a contract calls itself: a token's symbol

_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
# Letters and marks by their category, and invisible all the same: fillers, joiners, variation selectors but for the
# two that say how an emoji looks.
_UNSEEN = frozenset(map(chr, (0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0))) | frozenset(
    map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE0E), *range(0xE0100, 0xE01F0)))
)
_NOT_ASCII = re.compile(r"[^\n\x20-\x7e]")


def printable(text: str, longest: int | None = None) -> str:
    r"""`text` in one line, with what is no visible character or space as `\n`, `\x1b`, `\u202e`, `\U000e0041`.

    Written out are control characters, line and paragraph separators, everything that directs or joins characters
    without being seen (bidi controls, zero-width characters), lone surrogates, private and unassigned code points. All
    else stays as it is, backslashes too: what was escaped once is not escaped again.

    Args:
        longest: characters of the result at most; what is longer ends with an ellipsis.
    """
    if longest is not None:
        text = text[: longest + 1]  # the rest cannot be seen: a character becomes one or more
    shown = "".join(c if _is_visible(c) else _escaped(c) for c in text)
    return shown if longest is None or len(shown) <= longest else f"{shown[: longest - 1]}…"


def paragraph(text: str, margin: str = "  ") -> str:
    """`text` with its line breaks, every line but the first behind `margin`, so that none of them passes for a message
    of its own. For what programs and libraries write in several lines: lists of complaints, tracebacks."""
    return f"\n{margin}".join(printable(line) for line in text.rstrip("\n").split("\n"))


def json_text(value: Any, indent: int | None = None) -> str:
    r"""`value` as JSON that a terminal can show: letters as they are, what `printable` writes out as `\u…`."""
    return _NOT_ASCII.sub(_json_escape, json.dumps(value, indent=indent, ensure_ascii=False))


def _is_visible(character: str) -> bool:
    # All spaces, not only the one that isprintable() lets through: the ideographic one is ordinary text.
    return (character.isprintable() or unicodedata.category(character) == "Zs") and character not in _UNSEEN


def _escaped(character: str) -> str:
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    return rf"\x{code:02x}" if code < 0x100 else rf"\u{code:04x}" if code < 0x10000 else rf"\U{code:08x}"


def _json_escape(found: re.Match[str]) -> str:
    character = found.group()
    return character if _is_visible(character) else json.dumps(character)[1:-1]
