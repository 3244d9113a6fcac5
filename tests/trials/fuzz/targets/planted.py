"""No parser of the project: one fault of each kind, behind a word that only a guided fuzzer comes by."""

from __future__ import annotations

from collections.abc import Iterator

from fuzz.target import Linear, Target


class Refused(Exception):
    """The documented error."""


def parse(data: bytes) -> object:
    if data[:5] != b"FAULT":
        raise Refused
    match data[5:6]:
        case b"e":
            raise KeyError("not documented")
        case b"m":
            return bytes(1 << 21)
        case b"t":
            return sum(range(300_000))
        case b"w":
            return "wrong"
    return None


def check(_: bytes, value: object) -> None:
    assert value != "wrong", "wrong"


def seeds() -> Iterator[bytes]:
    yield b"nothing"


TARGET = Target(
    parse,
    errors=(Refused,),
    seeds=seeds,
    largest=64,
    memory=Linear(1 << 20, 100),
    seconds=Linear(0.02, 0),
    check=check,
)
