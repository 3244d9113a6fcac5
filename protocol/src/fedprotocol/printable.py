"""Makes text that others chose safe to show in a terminal, a log or a file: characters that a terminal would obey, or
that nobody would see, are written out.

Names, symbols, revert texts and error messages come from a chain, a spec or a peer. Raw, they could move the cursor,
rename the window, begin a line that passes for another, reverse the order of characters, or hide some.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

LONGEST_TEXT = 500  # characters of a text that others chose freely, such as why a contract refused
LONGEST_NAME = 32  # characters of a name that a contract gives itself, such as a token's symbol

_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
# Invisible characters whose category is letter or mark: fillers, joiners, and the variation selectors, except the two
# that say how an emoji looks.
_UNSEEN = frozenset(map(chr, (0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0))) | frozenset(
    map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE0E), *range(0xE0100, 0xE01F0)))
)
_NOT_ASCII = re.compile(r"[^\n\x20-\x7e]")


def printable(text: str, longest: int | None = None) -> str:
    r"""`text` in one line, in which everything that is no visible character and no space is written like `\n`, `\x1b`,
    `\u202e`, `\U000e0041`.

    Written out are control characters, line and paragraph separators, everything that directs or joins characters
    without being seen (bidi controls, zero-width characters), lone surrogates, private and unassigned code points.
    Everything else stays as it is, even backslashes, so that text is not escaped twice.

    Args:
        longest: the most characters of the result; a longer text ends with an ellipsis.
    """
    if longest is not None:
        text = text[: longest + 1]  # the rest would not be shown anyway, because each character becomes one or more
    shown = "".join(c if _is_visible(c) else _escaped(c) for c in text)
    return shown if longest is None or len(shown) <= longest else f"{shown[: longest - 1]}…"


def paragraph(text: str, margin: str = "  ") -> str:
    """`text` with its line breaks. Every line but the first begins with `margin`, so that no line can be taken for a
    separate message. Use it for what programs and libraries write in several lines: lists of complaints, tracebacks."""
    return f"\n{margin}".join(printable(line) for line in text.rstrip("\n").split("\n"))


def json_text(value: Any, indent: int | None = None) -> str:
    r"""`value` as JSON that a terminal can show: letters stay as they are, and characters that `printable` would write
    out become `\u…`."""
    return _NOT_ASCII.sub(_json_shown, json.dumps(value, indent=indent, ensure_ascii=False))


def _is_visible(character: str) -> bool:
    # All spaces are visible text, for example the ideographic one, although isprintable() accepts only one.
    return (character.isprintable() or unicodedata.category(character) == "Zs") and character not in _UNSEEN


def _escaped(character: str) -> str:
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    return rf"\x{code:02x}" if code < 0x100 else rf"\u{code:04x}" if code < 0x10000 else rf"\U{code:08x}"


def json_escape(character: str) -> str:
    """A character as JSON writes it in ASCII."""
    return json.dumps(character)[1:-1]


def _json_shown(found: re.Match[str]) -> str:
    character = found.group()
    return character if _is_visible(character) else json_escape(character)
