"""Changes to structured inputs that keep most of the structure, so that what lies behind it is reached."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from fuzz.target import Raw

ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 7, 8, 255, 2**16, 2**20, 2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**63, 2**64, 10**30,
    10**4000, 0.0, -0.0, 0.5, 1e-320, 1e308, float("inf"), float("nan"), "", "\0", "\ud800", "a\nb", "é", "{prompt}",
    "..", "/dev/zero", "x" * 300, [], {}, [[]], [0], {"": None},
)  # fmt: skip
MOST = 1 << 14  # repetitions


def odd(rng: Random) -> Any:
    """Something that is seldom right."""
    return rng.choice(ODD)


def many(rng: Random, size: int, room: int) -> int:
    """How often to repeat something of `size` where there is so much room: seldom very often."""
    times = 1 << rng.randrange(MOST.bit_length()) if rng.random() < 0.3 else rng.randrange(2, 5)
    return min(times, max(0, room) // max(1, size))


def repeated(data: bytes, largest: int, rng: Random) -> bytes:
    """A slice of the bytes, again and again."""
    start = rng.randrange(len(data) + 1)
    end = min(len(data), start + 1 + int(rng.expovariate(0.1)))
    piece = data[start:end] or b"\0"
    return data[:end] + piece * many(rng, len(piece), largest - len(data)) + data[end:]


def bytes_or(
    structured: Callable[[bytes, int, Random, Raw], bytes | None], share: float = 0.6
) -> Callable[[bytes, int, Random, Raw], bytes]:
    """`structured` for that share of inputs, if it yields anything of at most the length; else libFuzzer's own."""

    def mutate(data: bytes, largest: int, rng: Random, raw: Raw) -> bytes:
        if rng.random() < share:
            made = structured(data, largest, rng, raw)
            if made is not None and len(made) <= largest:
                return made
        if rng.random() < 0.05:
            return repeated(data, largest, rng)
        return raw(data, largest)

    return mutate


def json_text(data: bytes, largest: int, rng: Random) -> bytes | None:
    """A JSON document with one thing in it changed; None if this is none."""
    try:
        document = {"": json.loads(data)}
        _change_somewhere(document, largest - len(data), rng)
        return json.dumps(document[""], ensure_ascii=rng.random() < 0.5).encode()
    except (ValueError, RecursionError, KeyError):  # an odd value may not be writable either
        return None


def _change_somewhere(container: Any, room: int, rng: Random) -> None:
    while True:
        keys = list(container) if isinstance(container, dict) else range(len(container))
        if not keys:
            return
        key = rng.choice(keys)
        inner = container[key]
        if isinstance(inner, dict | list) and inner and rng.random() < 0.8:
            container = inner
            continue
        _change(container, key, room, rng)
        return


def _change(container: Any, key: Any, room: int, rng: Random) -> None:
    value = container[key]
    times = many(rng, len(json.dumps(value)), room)
    match rng.randrange(6):
        case 0:
            container[key] = _nudged(value, rng)
        case 1:
            del container[key]
        case 2 if isinstance(container, list):
            container[key:key] = [value] * times
        case 2:
            container.update({f"{key}{i}": value for i in range(times)})
        case 3 if isinstance(value, list | str):
            container[key] = value * times
        case 4:
            for _ in range(min(times, 2000)):
                value = [value]
            container[key] = value
        case _:
            container[key] = odd(rng)


def _nudged(value: Any, rng: Random) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + rng.choice((-1, 1)) if rng.random() < 0.5 else value * rng.choice((-1, 2, 1000, 2**30))
    if isinstance(value, float):
        return value * rng.choice((-1, 10, 1e300))
    if isinstance(value, str):
        at = rng.randrange(len(value) + 1)
        return value[:at] + str(odd(rng)) + value[at:]
    return odd(rng)
