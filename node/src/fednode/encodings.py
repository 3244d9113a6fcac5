"""Encodings of text, by the names that Python gives them."""

from __future__ import annotations

import codecs


def unknown(name: str) -> str | None:
    """What is wrong with the name of an encoding."""
    try:
        is_of_text = codecs.lookup(name)._is_text_encoding
    except LookupError:
        is_of_text = False
    return None if is_of_text else f"{name!r} is no encoding of text; write such as cp1252, mac_roman or utf-16-le"


def keeps_ascii(name: str) -> bool:
    """Whether text in ASCII has the same bytes in it, so that line feeds are found without decoding."""
    text = '\n\r{",a1'
    return text.encode(name) == text.encode("ascii")
