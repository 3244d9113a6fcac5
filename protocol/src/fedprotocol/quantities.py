"""Money, sizes and times as people read them. JSON has them whole: in smallest units, in wei, in bytes, in seconds."""

from __future__ import annotations

PLACES = 4  # decimals that are shown at most
_SIZES = ("KiB", "MiB", "GiB", "TiB")


def decimal(units: int, decimals: int, up: bool = False) -> str:
    """`units` of 10^-`decimals` with at most four decimals: `1234567`, 6 -> `1.2345`.

    What somebody has is rounded down, and what is little is not none: it is `<0.0001`. What somebody must have is
    rounded `up`, so that sending what was read is enough.
    """
    step = 10 ** max(0, decimals - PLACES)
    size = abs(units)
    shown = -(-size // step) if up else size // step
    sign = "-" if units < 0 else ""
    places = min(decimals, PLACES)
    if shown == 0 < size:
        return f"{sign}<0.{'1':>0{places}}"
    whole, part = divmod(shown, 10**places)
    return f"{sign}{whole}" + f".{part:0{places}}".rstrip("0").rstrip(".")


def size(count: int) -> str:
    """`count` bytes: `65605722112` -> `61.1 GiB`."""
    if count < 1024:
        return f"{count} bytes"
    shown = float(count)
    for name in _SIZES:
        shown /= 1024
        if shown < 1000 or name == _SIZES[-1]:
            break
    return f"{shown:.1f} {name}"


def duration(seconds: float) -> str:
    """A length of time as people say it."""
    whole = int(seconds)
    for length, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if whole >= 2 * length:
            return f"{whole // length} {name}"
    return f"{whole} s"
