"""How values are written on the pages: Jinja's filters and functions. What is not escaped here is escaped by Jinja."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from fedprotocol.chain.amounts import Amounts
from fedprotocol.losses import MICRO
from fedprotocol.printable import printable
from fedprotocol.quantities import duration, size
from fedprotocol.tree import cid, raw_cid

HEAD, TAIL = 6, 4  # letters of an address or root that are shown before and behind the ellipsis


def hexadecimal(value: bytes) -> str:
    """`0x…` of bytes."""
    return "0x" + value.hex()


def short(text: str) -> str:
    """`0x12ab…9f00` of a long hexadecimal text, or `bafyre…9f00` of a CID."""
    return text if len(text) <= HEAD + TAIL + 1 else f"{text[:HEAD]}…{text[-TAIL:]}"


def utc(seconds: float) -> str:
    """A time as `2026-11-28 13:05:11 UTC`."""
    return _date(seconds, "%Y-%m-%d %H:%M:%S UTC")


def clock(seconds: float) -> str:
    """The time of the day alone, `13:05:11`."""
    return _date(seconds, "%H:%M:%S")


def iso(seconds: float) -> str:
    """The same as HTML wants it in `<time datetime>`."""
    return _date(seconds, "%Y-%m-%dT%H:%M:%SZ")


def _date(seconds: float, form: str) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime(form)
    except (ValueError, OverflowError, OSError):  # a contract may hold any number in the place of a time
        return f"{seconds} s"


def exact(units: int, decimals: int) -> str:
    """An amount with all its decimals, and no more than it has."""
    return f"{Decimal(units).scaleb(-decimals).normalize():f}"


def in_a_line(text: str, longest: int | None = None) -> str:
    """A text that others chose, in one line, as `printable` writes it."""
    return printable(" ".join(text.split()), longest)


def in_lines(text: str, longest: int) -> str:
    """A text that others chose, with its own lines and blanks, each line as `printable` writes it."""
    return "\n".join(map(printable, text[:longest].split("\n"))) + ("…" if len(text) > longest else "")


def percent(part: float, whole: float, places: int = 1) -> str:
    """`12.5 %`; a dash where there is no whole."""
    return "–" if not whole else f"{100 * part / whole:.{places}f} %"


def loss(millionths: int) -> str:
    """A loss as the contract has it."""
    return f"{millionths / MICRO:.3f}"


def grouped(number: int) -> str:
    """`1 234 567`, with spaces that do not break."""
    return f"{number:,}".replace(",", "\u202f")


def wei(amount: int) -> str:
    """An amount of wei in ether, with at most six decimals."""
    return f"{Decimal(amount).scaleb(-18):.6f}".rstrip("0").rstrip(".") + " ETH"


def gwei(amount: int) -> str:
    """An amount of wei in gwei, with at most six decimals."""
    return f"{Decimal(amount).scaleb(-9):.6f}".rstrip("0").rstrip(".") + " gwei"


def bits(mask: int) -> list[int]:
    """The numbers of the bits that are set."""
    return [number for number in range(mask.bit_length()) if mask >> number & 1]


def field_time(seconds: int | None) -> str:
    """A time as a form's field for times wants it, in UTC; empty for None."""
    return "" if seconds is None else iso(seconds).removesuffix("Z")


def filters(amounts: Amounts) -> dict[str, Any]:
    """Everything above by the name under which templates use it."""
    return {
        "hex": hexadecimal,
        "short": short,
        "cid": cid,
        "raw_cid": raw_cid,
        "utc": utc,
        "clock": clock,
        "iso": iso,
        "money": amounts,
        "exact": lambda units: exact(units, amounts.decimals),
        "loss": loss,
        "grouped": grouped,
        "wei": wei,
        "gwei": gwei,
        "bits": bits,
        "field_time": field_time,
        "duration": duration,
        "size": size,
        "printable": in_a_line,
        "in_lines": in_lines,
    }
