"""Which rows a site holds out of training, to score models on them."""

from __future__ import annotations

from hashlib import blake2b

from fednode.data.rows import Row
from fednode.data_source import Side

_KEY = b"fednode: rows held out of training"
_BITS = 64


def is_held_out(row: Row, share: float) -> bool:
    """Whether a row is among the `share` of rows that is held out, at least 0 and below 1.

    It follows from prompt and completion alone, by a hash: neither from the order of the rows, nor from others. White
    space does not count, so rows that are equal to the model are never on different sides; and with a larger share,
    those that were held out before still are. All rows of one conversation are on the same side.
    """
    if not share:
        return False
    content = blake2b(digest_size=_BITS // 8, key=_KEY)
    for text in (row.prompt, row.completion) if row.conversation is None else (row.conversation,):
        words = " ".join(text.split()).encode()
        content.update(len(words).to_bytes(8) + words)
    return int.from_bytes(content.digest()) < share * (1 << _BITS)


def is_on(side: Side | None, row: Row, share: float) -> bool:
    """Whether a row is on a side; None: on either."""
    return side is None or is_held_out(row, share) == (side == "test")
