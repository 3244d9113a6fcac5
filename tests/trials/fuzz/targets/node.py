"""The DAG-CBOR of an inner node: the first two bytes are how many leaves it is over, less two."""

from __future__ import annotations

from collections.abc import Iterator

import cbor2
from fedprotocol import tree
from fedprotocol.car import CarError, children

from fuzz.target import Linear, Target

COUNTS = (2, 3, 4, 5, 225, 2049)
Children = tuple[tuple[bytes, int], tuple[bytes, int]]


def parse(data: bytes) -> Children:
    return children(data[2:], leaf_count(data))


def leaf_count(data: bytes) -> int:
    return 2 + int.from_bytes(data[:2], "big")


def check(data: bytes, found: Children) -> None:
    """A decoder of CBOR that is not ours finds the same two links."""
    links = [cbor2.CBORTag(42, b"\0" + tree.cid_bytes(digest, raw=count == 1)) for digest, count in found]
    assert cbor2.loads(data[2:]) == links
    assert cbor2.dumps(links) == data[2:]
    assert sum(count for _, count in found) == leaf_count(data)


def seeds() -> Iterator[bytes]:
    for count in COUNTS:
        left = tree.left_leaves(count)
        node = tree.inner_node(b"L" * 32, left == 1, b"R" * 32, count - left == 1)
        yield (count - 2).to_bytes(2, "big") + node


TARGET = Target(parse, errors=(CarError,), seeds=seeds, largest=512, memory=Linear(16 << 10, 8), check=check)
