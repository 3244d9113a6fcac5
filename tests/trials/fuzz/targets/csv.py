"""CSV: a header, then records."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from fednode.data import DataError

from fuzz.mutations import bytes_or, many, repeated
from fuzz.target import Linear, Raw, Target
from fuzz.targets.rows import check_lines, features, reader


def seeds() -> Iterator[bytes]:
    yield b"prompt,completion\nx,y\n"
    yield b'\xef\xbb\xbfid,completion,prompt,domain\r\n1, red,"a ""small"" rose,\nsecond line",warm\r\n\r\n2,,sea,\r\n'
    yield b'sep=;\r\nprompt;completion\r\n"x\r\ny";z\r\n"open;a\r\n'
    yield "prompt\tcompletion\nx\ty\n".encode("utf-16")
    yield b'completion,domain,prompt\r"a\rb",,c\rd\r'


def by_fields(data: bytes, largest: int, rng: Random, _: Raw) -> bytes | None:
    """A field, line or quote more, fewer or elsewhere."""
    mark = rng.choice((b",", b"\n", b'"', b"\r\n", b'""', b"\r"))
    parts = data.split(mark)
    at = rng.randrange(len(parts))
    match rng.randrange(4):
        case 0:
            parts[at:at] = [parts[at]] * many(rng, len(parts[at] + mark), largest - len(data))
        case 1:
            del parts[at]
        case 2:
            parts.insert(rng.randrange(len(parts)), parts.pop(at))
        case _:
            parts[at] = repeated(parts[at], largest - len(data), rng)
    return mark.join(parts)


TARGET = Target(
    reader(".csv"),
    errors=(DataError,),
    seeds=seeds,
    largest=1 << 11,
    memory=Linear(128 << 10, 160),  # a block of 64 KiB is looked at to know the encoding
    check=check_lines,
    features=features,
    mutate=bytes_or(by_fields),
)
