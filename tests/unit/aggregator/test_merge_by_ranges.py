"""A global that two processes compute, each some of its leaves, is the global that one process computes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from fedaggregator.compute.merge import Contribution, merge
from fedprotocol.car import MemoryLeaves
from fedprotocol.numbers import split_leaves
from fedprotocol.store.open import open_store
from support.range_worker import Merge, windows
from support.rules import BOUND, TESTED

pytestmark = pytest.mark.process

LEAF_VALUES, VALUES, SERVER_LR = 64, 64 * 23 - 5, 50_000
LARGEST = {8: 127, 16: 32_767, 32: BOUND}
REVEALED = ((260, 5), (1, 0), (70, 6))  # weights and shifts


@pytest.fixture(scope="module")
def workers() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        yield pool


def drawn(rng: np.random.Generator, largest: int, bits: int) -> list[bytes]:
    return split_leaves(rng.integers(-largest, largest + 1, VALUES).astype(f"i{bits // 8}"), LEAF_VALUES)


@pytest.mark.parametrize("name", TESTED)
def test_ranges_make_up_the_whole(name: str, workers: ProcessPoolExecutor, tmp_path: Path) -> None:
    rng, rule, url = np.random.default_rng(3), TESTED[name], f"dir:{tmp_path / 'store'}"
    bits = rule.bits[0]
    prior = MemoryLeaves([leaf for _ in range(rule.parts) for leaf in drawn(rng, 2**20, 32)])
    contributions = [
        Contribution(MemoryLeaves(drawn(rng, LARGEST[bits], bits)), weight, 0 if bits == 32 else shift)
        for weight, shift in REVEALED
    ]
    store = open_store(url, tmp_path / "cache")
    for leaves in (prior, *(one.leaves for one in contributions)):
        store.put(leaves)
    told = Merge(
        *(url, tmp_path / "cache", name, bits, prior.shape, prior.root),
        [(one.leaves.root, one.weight, one.shift) for one in contributions],
        SERVER_LR,
    )
    count = prior.shape.leaf_count // rule.parts
    ranges = [(start, min(start + 5, count)) for start in range(0, count, 5)]
    halves = [workers.submit(windows, told, ranges[half::2]) for half in (1, 0)]
    made = dict(found for half in halves for found in half.result())
    with merge(rule, prior, contributions, bits, SERVER_LR, tmp_path / "whole") as whole:
        for start, stop in ranges:
            parts = (whole.window(first + start, first + stop) for first in range(0, prior.shape.leaf_count, count))
            assert made[start] == b"".join(parts)
