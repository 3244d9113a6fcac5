"""Which encoding text has that is not UTF-8: Windows' (cp1252), or that of older Macs (Mac Roman). A guess, to be told
and never acted upon."""

from __future__ import annotations

NAMES = {"cp1252": "Windows", "mac_roman": "an older Mac"}
"""Encodings that are recognised, by what writes them; of two that fit alike, the first."""

_LEAST = 0.75
"""The share of characters beyond ASCII that must look right: of those of text in another encoding, fewer do."""
_LETTERS = frozenset("àáâãäåæçèéêëìíîïñòóôõöøœùúûüÿßšž")
_BESIDE_ANYTHING = frozenset("‘’“”«»‹›„‚…–—•·€£°²³µ½¼¾§©®™±×÷¿¡\xa0")
_NOT_WITHIN_WORDS = frozenset("“”«»‹›„‚…—•·€£§©®™±×÷¿¡¼½¾°²³")


def likely_encoding(sample: bytes) -> str | None:
    """The encoding in which `sample`, bytes that are no UTF-8, reads as text in a language of Western Europe."""
    shares = {name: _looks_right(sample, name) for name in NAMES}
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] >= _LEAST else None


def _looks_right(sample: bytes, encoding: str) -> float:
    """The share of the characters beyond ASCII that stand where they would in text; 0 if some byte is none."""
    try:
        text = sample.decode(encoding)
    except UnicodeDecodeError:
        return 0.0
    places = [index for index, character in enumerate(text) if character > "\x7f"]
    padded = f" {text} "
    fitting = sum(_fits(*padded[index : index + 3]) for index in places)
    return fitting / len(places) if places else 0.0


def _fits(before: str, character: str, after: str) -> bool:
    if character.lower() in _LETTERS:
        if before > "\x7f" and after > "\x7f":  # words of nothing but such letters are of another alphabet
            return False
        begins_or_among = not before.islower() and not (before.isupper() and after.islower())
        return begins_or_among or not character.isupper()
    if character in _NOT_WITHIN_WORDS:
        return not (before.isalpha() and after.isalpha())
    return character in _BESIDE_ANYTHING
