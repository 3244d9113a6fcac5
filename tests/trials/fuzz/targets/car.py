"""A CAR under a root that its author chose: byte 0 picks how many leaves are expected, byte 1 their size."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from random import Random

from fedprotocol.car import INDEX_ENTRY, CarError, MemoryLeaves, read_car, write_car
from fedprotocol.numbers import NumbersError, join_leaves
from fedprotocol.tree import TreeShape

from fuzz.mutations import bytes_or, repeated
from fuzz.target import Linear, Raw, Target

COUNTS = (2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 17, 31, 33, 64, 65, 225)
SIZES = (1, 2, 8, 32, 64, 100)
CID = 36


def written(leaves: MemoryLeaves) -> bytes:
    out = io.BytesIO()
    write_car(leaves, out)
    return out.getvalue()


LEAVES = MemoryLeaves([b"one leaf", b"another!"])
ROOT_AT = written(LEAVES).index(LEAVES.root)  # in every CAR with one root


def shape_of(data: bytes) -> TreeShape:
    return TreeShape(COUNTS[data[0] % len(COUNTS)], SIZES[data[1] % len(SIZES)])


def parse(data: bytes) -> tuple[bytes, bytes]:
    data = data.ljust(2, b"\0")
    out, index = io.BytesIO(), io.BytesIO()
    read_car(io.BytesIO(data[2:]), root_of(data), shape_of(data), out, index)
    return out.getvalue(), index.getvalue()


def root_of(data: bytes) -> bytes:
    return data[2 + ROOT_AT :][:32].ljust(32, b"\0")


def check(data: bytes, copied: tuple[bytes, bytes]) -> None:
    """What was accepted is what a writer makes of its leaves, byte for byte."""
    (out, index), shape = copied, shape_of(data)
    offsets = [offset for offset, _ in INDEX_ENTRY.iter_unpack(index)]
    leaves = MemoryLeaves([out[at : at + shape.leaf_bytes] for at in offsets])
    assert leaves.root == root_of(data)
    assert (leaves.shape, written(leaves), out) == (shape, data[2:], data[2:])
    try:
        join_leaves((leaves[i] for i in range(len(leaves))), 8, shape.leaf_count * shape.leaf_bytes - data[0] % 2)
    except NumbersError:
        assert data[0] % 2


def seeds() -> Iterator[bytes]:
    for picked, count in enumerate(COUNTS):
        size = SIZES[picked % len(SIZES)]
        for distinct in (1, 3, count) if count < 64 else (1, 3):
            leaves = MemoryLeaves([bytes([i % distinct]) * size for i in range(count)])
            yield bytes([picked, picked % len(SIZES)]) + written(leaves)
    yield bytes(2) + b"\x0a\xa1gversion\x02"


def by_sections(data: bytes, largest: int, rng: Random, raw: Raw) -> bytes | None:
    """One section changed, doubled, dropped or moved, and the hashes made to fit again."""
    sections = split(data[2:])
    if len(sections) < 2:
        return None
    at = rng.randrange(len(sections))
    match rng.randrange(7):
        case 0:
            sections.insert(rng.randrange(1, len(sections) + 1), sections[at])
        case 1:
            del sections[at]
        case 2:
            sections.insert(rng.randrange(1, len(sections)), sections.pop(at))
        case 3:
            sections[at] = repeated(sections[at], largest - len(data), rng)
        case 4:
            return raw(data[:2], 2).ljust(2, b"\0") + data[2:]
        case 5 if at and rng.random() < 0.5:
            sections[at] = sections[at][:CID] + sections[rng.randrange(len(sections))][CID:]
        case _:
            sections[at] = sections[at][:CID] + raw(sections[at][CID:], len(sections[at]))
    return data[:2] + b"".join(varint(len(section)) + section for section in rehashed(sections))


def rehashed(sections: list[bytes]) -> list[bytes]:
    """Parents come before their children: from the last block on, each digest is put right wherever it stands."""
    for at in reversed(range(1, len(sections))):
        old, new = sections[at][4:CID], hashlib.sha256(sections[at][CID:]).digest()
        if len(old) == 32 and old != new:
            sections = [section.replace(old, new) for section in sections]
    return sections


def split(data: bytes) -> list[bytes]:
    """The sections without their lengths, as far as there are any."""
    sections, at = [], 0
    while at < len(data):
        length = shift = 0
        while at < len(data):
            length |= (data[at] & 127) << shift
            at, shift = at + 1, shift + 7
            if data[at - 1] < 128:
                break
        sections.append(data[at : at + length])
        at += length
    return sections


def varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


TARGET = Target(
    parse,
    errors=(CarError,),
    seeds=seeds,
    largest=4096,
    memory=Linear(96 << 10, 16),  # the index of 225 leaves, and what was read
    check=check,
    mutate=bytes_or(by_sections, 0.7),
)
