"""Merging leaf window by leaf window against whole vectors, and its memory."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fedaggregator.compute import merge as merging
from fedaggregator.compute.merge import Contribution, MergeError, merge
from fedaggregator.rules.base import RuleError
from fedaggregator.rules.fedavg import FedAvg
from fedprotocol import tree
from fedprotocol.car import MemoryLeaves, read_car, write_car
from fedprotocol.numbers import join_leaves, split_leaves
from fedprotocol.tree import TreeShape


def federation(
    clients: int, values: int, leaf_values: int, bits: int, seed: int = 0
) -> tuple[MemoryLeaves, list[Contribution], np.ndarray, list[tuple[np.ndarray, int, int]]]:
    """A prior and updates, as trees and as whole vectors."""
    rng = np.random.default_rng(seed)
    prior = rng.integers(-(2**31), 2**31, values).astype(np.int32)
    vectors = [
        (
            rng.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), values).astype(f"i{bits // 8}"),
            int(rng.integers(1, 2**20)),
            int(rng.integers(0, 32 - bits)),
        )
        for _ in range(clients)
    ]
    contributions = [Contribution(MemoryLeaves(split_leaves(m, leaf_values)), w, s) for m, w, s in vectors]
    return MemoryLeaves(split_leaves(prior, leaf_values)), contributions, prior, vectors


@pytest.mark.usefixtures("loops")
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("values", "leaf_values"), [(33, 32), (3210, 32), (4096, 1024), (70_000, 1024)])
@pytest.mark.parametrize("window", [1, 7, 1000])
def test_equals_the_formula_on_whole_vectors(
    tmp_path: Path, bits: int, values: int, leaf_values: int, window: int
) -> None:
    prior_leaves, contributions, prior, vectors = federation(5, values, leaf_values, bits)
    # Python's integers in object arrays: no width, no overflow, nothing shared with the code under test.
    total = sum((m.astype(object) << s) * w for m, w, s in vectors)
    weight = sum(w for _, w, _ in vectors)
    mean = np.array([(abs(t) * 2 + weight) // (2 * weight) * (1 if t >= 0 else -1) for t in total], dtype=object)
    step = np.array([(abs(t) * 2 * 50_000 + 2**16) // 2**17 * (1 if t >= 0 else -1) for t in mean], dtype=object)
    expected = np.clip(prior.astype(object) + step, -(2**31), 2**31 - 1).astype(np.int32)

    windows: list[None] = []
    with merge(
        FedAvg(), prior_leaves, contributions, bits, 50_000, tmp_path / "next", window, lambda: windows.append(None)
    ) as merged:
        got = join_leaves([merged[i] for i in range(len(merged))], 32, values)
        assert (got == expected).all()
        assert merged.root == MemoryLeaves(split_leaves(expected, leaf_values)).root
        assert [merged.digest(i) for i in range(len(merged))] == [
            hashlib.sha256(merged[i]).digest() for i in range(len(merged))
        ]
        assert len(windows) == -(-len(merged) // window)
        with pytest.raises(IndexError):
            merged[len(merged)]


def test_refuses_what_does_not_fit_and_leaves_the_last_result_alone(tmp_path: Path) -> None:
    prior, contributions, *_ = federation(2, 3210, 32, 8)
    out = tmp_path / "next"
    merge(FedAvg(), prior, contributions, 8, 2**16, out).close()
    before = out.read_bytes()
    longer = federation(1, 3243, 32, 8)[1]
    wider = federation(1, 3210, 32, 16)[1]
    heavy = [Contribution(contributions[0].leaves, 2**20, 0)]
    with pytest.raises(MergeError, match="no accepted"):
        merge(FedAvg(), prior, [], 8, 2**16, out)
    with pytest.raises(MergeError, match=longer[0].leaves.root.hex()):
        merge(FedAvg(), prior, contributions + longer, 8, 2**16, out)
    with pytest.raises(MergeError, match=wider[0].leaves.root.hex()):
        merge(FedAvg(), prior, contributions + wider, 8, 2**16, out)
    with pytest.raises(MergeError, match="bits"):
        merge(FedAvg(), prior, contributions, 12, 2**16, out)
    with pytest.raises(RuleError, match="weight"):
        merge(FedAvg(), prior, heavy, 8, 2**16, out)
    assert out.read_bytes() == before


class GeneratedLeaves:
    """A tree whose leaves are made when they are read: holds no data, so that only the merge's own memory shows."""

    def __init__(self, shape: TreeShape, seed: int) -> None:
        self.shape = shape
        self.root = seed.to_bytes(32, "big")
        self._seed = seed

    def __len__(self) -> int:
        return self.shape.leaf_count

    def __getitem__(self, index: int) -> bytes:
        return hashlib.shake_128(b"%d/%d" % (self._seed, index)).digest(self.shape.leaf_bytes)

    def digest(self, index: int) -> bytes:
        return tree.leaf_digest(self[index])

    def window(self, start: int, stop: int) -> bytes:
        return b"".join(self[index] for index in range(start, stop))

    def digests(self, start: int, stop: int) -> bytes:
        return b"".join(self.digest(index) for index in range(start, stop))


def peak(clients: int, leaves: int, out: Path) -> int:
    """Peak bytes that Python and NumPy allocate during a merge with windows of 16 leaves."""
    prior = GeneratedLeaves(TreeShape(leaves, 4 * 1024), 0)
    contributions = [
        Contribution(GeneratedLeaves(TreeShape(leaves, 1024), i), 100 + i, 5) for i in range(1, clients + 1)
    ]
    tracemalloc.start()
    try:
        merge(FedAvg(), prior, contributions, 8, 2**16, out, window_leaves=16).close()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_is_a_window(
    tmp_path: Path, record_property: Callable[[str, object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "workers_for", lambda _: 1)
    few = peak(4, 64, tmp_path / "few")
    many = peak(64, 64, tmp_path / "many")
    long = peak(4, 1024, tmp_path / "long")
    record_property("merge_peak_bytes_4_clients_64_leaves", few)
    record_property("merge_peak_bytes_64_clients_64_leaves", many)
    record_property("merge_peak_bytes_4_clients_1024_leaves", long)
    assert many < few * 1.05 + 4096, "memory must not grow with the number of clients"
    digests = (1024 - 64) * 120  # one digest a leaf, as an object in a list and then packed
    assert long < few + digests, "memory must not grow with the adapter beyond a digest a leaf"
    assert long < 1024 * 4096 / 2, "less than the adapter itself"
    monkeypatch.setattr(merging, "workers_for", lambda _: 2)
    side_by_side = peak(64, 256, tmp_path / "side by side")
    assert side_by_side < 3 * few + digests, "two workers hold three windows at most"


MEASURE = """
import sys
from pathlib import Path
from fedaggregator.compute import merge as merging
from fedaggregator.compute.merge import Contribution, merge
from fedaggregator.rules.fedavg import FedAvg
from fedprotocol import compiled
from fedprotocol.car import CarFile
from fedprotocol.tree import TreeShape

compiled.expect(1 << 30)  # numba takes 120 MB, once there is much to merge

def tree(name, width):
    car = Path(sys.argv[1]) / name
    root = bytes.fromhex(car.with_suffix(".root").read_text())
    return CarFile(car, car.with_suffix(".idx"), root, TreeShape(512, width))

updates = [Contribution(tree("update.car", 1024), 100, 5) for _ in range(int(sys.argv[2]))]
merge(FedAvg(), tree("prior.car", 4096), updates, 8, 2**16, Path(sys.argv[1]) / "next", 16).close()
# The high-water mark of this program alone; ru_maxrss would include the process that started it.
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line))
"""


@pytest.mark.process
def test_a_process_with_sixty_clients_more_stays_as_small(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    rng = np.random.default_rng(3)
    for name, width in (("update.car", 1024), ("prior.car", 4096)):
        leaves = MemoryLeaves([rng.bytes(width) for _ in range(512)])
        car = tmp_path / name
        with car.open("w+b") as out, car.with_suffix(".idx").open("wb") as index:
            write_car(leaves, out)
            out.seek(0)
            read_car(out, leaves.root, leaves.shape, io.BytesIO(), index)
        car.with_suffix(".root").write_text(leaves.root.hex())

    def kilobytes(clients: int) -> int:
        command = [sys.executable, "-c", MEASURE, str(tmp_path), str(clients)]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    kilobytes(4)  # compiles, which takes memory too, what the others then load
    few, many = kilobytes(4), kilobytes(64)
    record_property("merge_process_kilobytes_4_clients", few)
    record_property("merge_process_kilobytes_64_clients", many)
    assert many - few < 6_000, "60 more clients are 30 MB more of updates"
