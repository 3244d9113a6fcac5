"""CARs on disk: what was changed is not served, and memory does not follow the data."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

import pytest
from fedprotocol import car, tree
from fedprotocol.car import BadLength, CarFile, MemoryLeaves, WrongBlock
from fedprotocol.tree import TreeError, TreeShape
from support.cars import read, tree_of, written


def test_a_file_changed_on_disk_is_not_served(tmp_path: Path) -> None:
    leaves = tree_of(5)
    data, index = read(written(leaves), leaves)
    paths = tmp_path / "a.car", tmp_path / "a.idx"
    paths[0].write_bytes(data[:-1] + b"?")
    paths[1].write_bytes(index)
    with CarFile(*paths, leaves.root, leaves.shape) as file:
        assert file[0] == leaves[0]
        with pytest.raises(WrongBlock, match="leaf 4"):
            file[4]
        file.close()
        with pytest.raises(ValueError, match="closed"):
            file[0]
    paths[0].write_bytes(data)
    for wrong, error in (
        (index[:-1], BadLength),
        (index + index[:40], BadLength),
        (index[40:80] + index[:40] + index[80:], WrongBlock),
    ):
        paths[1].write_bytes(wrong)
        opened = len(list(Path("/proc/self/fd").iterdir()))
        with pytest.raises(error):
            CarFile(*paths, leaves.root, leaves.shape)
        assert len(list(Path("/proc/self/fd").iterdir())) == opened
    with pytest.raises(FileNotFoundError):
        CarFile(tmp_path / "none", paths[1], leaves.root, leaves.shape)


def test_memory_leaves_refuse_what_is_no_tree() -> None:
    for wrong in ([], [b"x"], [b"x", b"yy"], [b"", b""]):
        with pytest.raises(TreeError):
            MemoryLeaves(wrong)


def test_a_writer_that_is_given_another_root_writes_nothing() -> None:
    leaves, out = tree_of(3), io.BytesIO()
    leaves.root = bytes(32)
    with pytest.raises(TreeError, match="hash to"):
        car.write_car(leaves, out)
    assert out.getvalue() == b""


def test_memory_does_not_grow_with_the_data(tmp_path: Path, record_property: pytest.RecordProperty) -> None:
    """64 MiB in leaves of 32 KiB go through in a few MiB, both ways."""
    count, size = 2048, 32 * 1024

    class Made:
        """Leaves that are made when they are asked for."""

        shape = TreeShape(count, size)

        def __len__(self) -> int:
            return count

        def __getitem__(self, index: int) -> bytes:
            return index.to_bytes(4, "big") * (size // 4)

        def digest(self, index: int) -> bytes:
            return tree.leaf_digest(self[index])

        root = b""

    leaves = Made()
    leaves.root = tree.root([leaves.digest(i) for i in range(count)])
    tracemalloc.start()
    try:
        with (tmp_path / "a.car").open("w+b") as out:
            car.write_car(leaves, out)
            out.seek(0)
            with (tmp_path / "b.car").open("wb") as copy, (tmp_path / "b.idx").open("wb") as index:
                car.read_car(out, leaves.root, leaves.shape, copy, index)
        with CarFile(tmp_path / "b.car", tmp_path / "b.idx", leaves.root, leaves.shape) as file:
            assert all(file[i] == leaves[i] for i in range(count))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    record_property("CAR of 64 MiB: peak memory, bytes", peak)
    assert peak < 4 * 2**20
