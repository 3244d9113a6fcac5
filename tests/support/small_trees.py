"""Small trees and their CARs."""

from __future__ import annotations

import hashlib
import io

from fedprotocol import car
from fedprotocol.car import MemoryLeaves

SIZE = 64


def tree_of(count: int, repeated: bool = False) -> MemoryLeaves:
    leaves = [hashlib.sha512(i.to_bytes(4, "big")).digest() for i in range(count)]
    if repeated:
        leaves[: count // 2] = [bytes(SIZE)] * (count // 2)
        leaves[-1] = leaves[0]
    return MemoryLeaves(leaves)


def written(leaves: car.Leaves) -> bytes:
    out = io.BytesIO()
    car.write_car(leaves, out)
    return out.getvalue()


def read(data: bytes, leaves: MemoryLeaves) -> tuple[bytes, bytes]:
    out, index = io.BytesIO(), io.BytesIO()
    car.read_car(io.BytesIO(data), leaves.root, leaves.shape, out, index)
    return out.getvalue(), index.getvalue()
