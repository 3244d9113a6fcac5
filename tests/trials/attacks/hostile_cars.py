"""What a hostile store has under a root: anything but a tree of the federation's deltas."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fedprotocol import tree
from fedprotocol.car import write_car
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.numbers import from_bytes, to_bytes
from fedprotocol.tree import TreeShape

ENDLESS = 64  # levels: 2^64 leaves
TAIL = 1 << 34  # bytes


@dataclass(frozen=True)
class Hostile:
    """A root, how to put something under its name into a store, and what the log must say of it."""

    root: bytes
    serve: Callable[[Path], object]
    named: str

    @classmethod
    def of(cls, root: bytes, data: bytes, named: str) -> Hostile:
        return cls(root, lambda path: path.write_bytes(data), named)


def hostile_cars(shape: TreeShape, bits: int, values: int) -> list[Hostile]:
    """One of each kind. `values`: that a delta has, fewer than its leaves hold."""
    rng = np.random.default_rng(shape.leaf_count)

    def random(count: int, size: int = shape.leaf_bytes) -> list[bytes]:
        return [rng.bytes(size) for _ in range(count)]

    count, size = shape.leaf_count, shape.leaf_bytes
    good, other, wide = MemoryLeaves(random(count)), MemoryLeaves(random(count)), MemoryLeaves(random(count, 2 * size))
    more, bomb, noise, pipe = (MemoryLeaves(random(n)) for n in (count + 1, count, count, count))
    padded = MemoryLeaves(_with_padding(random(count), bits, values))
    whole = MemoryLeaves(random(count))
    endless, doubling = _endless(size)
    return [
        Hostile.of(good.root, _car(good)[:-100], "the CAR ends within"),
        Hostile.of(more.root, _car(more), "is not an inner node of a tree of this shape"),
        Hostile.of(wide.root, _car(wide), f"leaf 0 must have {size} bytes"),
        Hostile.of(padded.root, _car(padded), "the padding in leaf"),
        Hostile.of(endless, doubling, "is not an inner node of a tree of this shape"),
        Hostile(whole.root, lambda path: _with_tail(path, _car(whole)), "the CAR goes on after"),
        Hostile.of(other.root, _car(good), "does not have the one root"),
        Hostile.of(bomb.root, _header(bomb) + b"\xff" * 8 + b"\x7f", "no block makes one"),
        Hostile.of(noise.root, b"noise" + rng.bytes(5000), "this is not the header of a CAR v1"),
        Hostile(pipe.root, lambda path: os.mkfifo(path), "nobody has"),
    ]


def _car(leaves: MemoryLeaves) -> bytes:
    out = io.BytesIO()
    write_car(leaves, out)
    return out.getvalue()


def _header(leaves: MemoryLeaves) -> bytes:
    """Of its CAR: one byte of length, then so many."""
    car = _car(leaves)
    return car[: 1 + car[0]]


def _with_padding(leaves: list[bytes], bits: int, values: int) -> list[bytes]:
    """The value after the last one is 1, all others are as they should be."""
    width = bits // 8
    used = values - (len(leaves) - 1) * (len(leaves[-1]) // width)
    last = from_bytes(leaves[-1], bits)
    assert 0 < used < len(last), "nothing is padded"
    last[used:] = 0
    last[used] = 1
    return [*leaves[:-1], to_bytes(last)]


def _endless(leaf_bytes: int) -> tuple[bytes, bytes]:
    """Root and CAR of a tree that doubles at each level: few blocks, and a reader that follows its links never ends."""
    leaf = bytes(leaf_bytes - 1) + b"\x01"
    digest, blocks = tree.leaf_digest(leaf), [leaf]
    for level in range(ENDLESS):
        node = tree.inner_node(digest, level == 0, digest, level == 0)
        digest = tree.leaf_digest(node)
        blocks.append(node)
    root_first = reversed(blocks)
    header = b"\xa2\x65roots\x81" + tree.link(digest, raw=False) + b"\x67version\x01"
    return digest, _section(header) + b"".join(
        _section(tree.cid_bytes(tree.leaf_digest(b), b is leaf) + b) for b in root_first
    )


def _section(data: bytes) -> bytes:
    """With its length before it, at most two bytes of LEB128."""
    size = len(data)
    return (bytes([size]) if size < 128 else bytes([size & 0x7F | 0x80, size >> 7])) + data


def _with_tail(path: Path, car: bytes) -> None:
    """The whole tree, and zeros without end that take no room on the disk."""
    path.write_bytes(car)
    os.truncate(path, TAIL)
