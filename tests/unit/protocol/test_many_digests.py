"""Digests and levels of many blocks at once: the same as hashlib and `tree` compute one after the other."""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise

import numpy as np
import pytest
from fedprotocol import levels, tree
from fedprotocol.many_sha256 import digests_at
from fedprotocol.tree import TreeError


@pytest.mark.usefixtures("loops")
@pytest.mark.parametrize("size", [0, 1, 32, 55, 56, 63, 64, 65, 83, 119, 120, 127, 128, 1000, 4096])
@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 40])
def test_digests_are_hashlibs(size: int, count: int) -> None:
    rng = np.random.default_rng(size)
    data, offsets = rng.bytes(size * count + 7), rng.integers(0, size * max(0, count - 1) + 7, count, endpoint=True)
    expected = [sha256(data[at : at + size]).digest() for at in offsets.tolist()]
    assert digests_at(data, offsets, size) == b"".join(expected)


@pytest.mark.usefixtures("loops")
@pytest.mark.parametrize("wrong", [[-1], [0, 41], [2**40]])
def test_nothing_beyond_the_data_is_read(wrong: list[int]) -> None:
    with pytest.raises(ValueError, match="beyond"):
        digests_at(bytes(104), np.array(wrong), 64)


@pytest.mark.usefixtures("loops")
@pytest.mark.parametrize("count", [*range(1, 40), 2047, 2048, 2049])
def test_levels_are_those_of_the_tree(count: int) -> None:
    leaves = [sha256(i.to_bytes(4, "big")).digest() for i in range(count)]
    grown = list(levels.grown(b"".join(leaves)))
    assert [digests for digests, _ in grown] == [b"".join(level) for level in tree.levels(leaves)]
    for (below, _), (digests, nodes) in pairwise(grown):
        moved = below[-32:] if len(below) // 32 % 2 else b""
        assert levels.digests(nodes, 83) + moved == digests
    if count > 1:
        for page in (1, 8, 1024):
            pages = (b"".join(leaves[at : at + page]) for at in range(0, count, page))
            assert levels.root(pages) == tree.root(leaves)


def test_what_is_no_tree_has_no_levels() -> None:
    for wrong in (b"", bytes(33)):
        with pytest.raises(TreeError):
            levels.levels(wrong)
    with pytest.raises(TreeError, match="at least two"):
        levels.root([bytes(32)])
