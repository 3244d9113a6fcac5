"""Text files that people write: UTF-8, with a byte-order mark or without."""

from __future__ import annotations

from pathlib import Path

BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class NotText(ValueError):
    """The file is not UTF-8. The message is written to follow the file's name."""


def read_text(path: Path) -> str:
    """The text in the file, without a byte-order mark. Raises OSError, NotText."""
    return decoded(path.read_bytes())


def without_bom(content: bytes) -> bytes:
    """A byte-order mark, which some editors put before UTF-8, is not part of a document."""
    return content.removeprefix(BOM)


def decoded(content: bytes) -> str:
    """`content` as text, without a byte-order mark. Raises NotText."""
    if content.startswith(_UTF16) or b"\0" in content:
        raise NotText("is not UTF-8 but, it seems, UTF-16, as Windows' programs write it: save it as UTF-8")
    try:
        return without_bom(content).decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotText(f"is not UTF-8 text (byte {error.start + 1}): save it as UTF-8") from None
