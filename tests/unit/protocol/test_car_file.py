"""CARs on disk: what was changed is not served, and memory does not follow the data."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tracemalloc
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from fedprotocol import car, compiled, levels, seen_blocks, tree
from fedprotocol.car import BadLength, CarFile, MemoryLeaves, WrongBlock
from fedprotocol.tree import TreeError, TreeShape
from support.small_trees import SIZE, read, tree_of, written

MANY = 20_000


def open_in(folder: Path) -> list[str]:
    """What this process has open there. Other threads open and close other files meanwhile."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found.append(str(link.readlink()))
    return [path for path in found if path.startswith(str(folder))]


def test_a_file_changed_on_disk_is_not_served(tmp_path: Path) -> None:
    leaves = tree_of(5)
    data, index = read(written(leaves), leaves)
    paths = tmp_path / "a.car", tmp_path / "a.idx"
    paths[0].write_bytes(data[:-1] + b"?")
    paths[1].write_bytes(index)
    with CarFile(*paths, leaves.root, leaves.shape) as file:
        assert file[0] == leaves[0] and len(open_in(tmp_path)) >= 1
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
        with pytest.raises(error):
            CarFile(*paths, leaves.root, leaves.shape)
        assert not open_in(tmp_path)
    with pytest.raises(FileNotFoundError):
        CarFile(tmp_path / "none", paths[1], leaves.root, leaves.shape)


def test_an_index_is_compared_with_what_was_just_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its nodes are not computed again; a digest that does not fit is as none, and a changed index is refused."""
    leaves, out, entries = tree_of(9), io.BytesIO(), io.BytesIO()
    digest = car.read_car(io.BytesIO(written(leaves)), leaves.root, leaves.shape, out, entries)
    assert digest == hashlib.sha256(entries.getvalue()).digest()
    paths = tmp_path / "a.car", tmp_path / "a.idx"
    for path, data in zip(paths, (out, entries), strict=True):
        path.write_bytes(data.getvalue())
    computed = []
    monkeypatch.setattr(levels, "root", lambda pages, real=levels.root: computed.append(1) or real(pages))
    for given, times in ((digest, 0), (None, 1), (bytes(32), 1)):
        with CarFile(*paths, leaves.root, leaves.shape, index_digest=given) as file:
            assert [file[i] for i in range(9)] == [leaves[i] for i in range(9)]
        assert len(computed) == times
        computed.clear()
    swapped = entries.getvalue()
    paths[1].write_bytes(swapped[40:80] + swapped[:40] + swapped[80:])
    with pytest.raises(WrongBlock, match="not the index"):
        CarFile(*paths, leaves.root, leaves.shape, index_digest=digest)


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

        def window(self, start: int, stop: int) -> bytes:
            return b"".join(self[index] for index in range(start, stop))

        def digests(self, start: int, stop: int) -> bytes:
            return b"".join(self.digest(index) for index in range(start, stop))

        root = b""

    leaves = Made()
    leaves.root = tree.root([leaves.digest(i) for i in range(count)])
    compiled.expect(count * size)
    compiled.module("fedprotocol.car.part_lanes")  # numba itself takes 40 MB, once
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


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, MemoryLeaves]:
    """A tree of many leaves, half of them the same, as a CAR and its index."""
    folder, leaves = tmp_path_factory.mktemp("many"), tree_of(MANY, repeated=True)
    paths = folder / "a.car", folder / "a.idx"
    for path, data in zip(paths, read(written(leaves), leaves), strict=True):
        path.write_bytes(data)
    return *paths, leaves


def test_memory_does_not_grow_with_the_leaves_of_open_files(
    many: tuple[Path, Path, MemoryLeaves], record_property: pytest.RecordProperty
) -> None:
    """An index in memory would be 800 KB a file, the list of its digests 1.5 MB while it is opened."""
    *paths, leaves = many
    tracemalloc.start()
    try:
        with ExitStack() as files:
            opened = [files.enter_context(CarFile(paths[0], paths[1], leaves.root, leaves.shape)) for _ in range(4)]
            assert all(file[MANY - 1] == leaves[MANY - 1] for file in opened)
            peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    record_property(f"4 open CARs of {MANY} leaves: peak memory, bytes", peak)
    assert peak < 600_000


OPEN_MANY = """
import sys
from pathlib import Path
from fedprotocol.car import CarFile
from fedprotocol.tree import TreeShape

def opened():
    return CarFile(Path(sys.argv[1]), Path(sys.argv[2]), bytes.fromhex(sys.argv[3]), shape)

def peak():  # KiB; of this program alone, ru_maxrss would include the process that started it
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)

shape = TreeShape(int(sys.argv[4]), int(sys.argv[5]))
opened().close()
before = peak()
files = [opened() for _ in range(64)]
assert all(file[5] == file[6] for file in files)
print(peak() - before)
"""


@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_number_of_clients(
    many: tuple[Path, Path, MemoryLeaves], record_property: pytest.RecordProperty
) -> None:
    """The whole process, 64 updates open: with their indexes in memory it would grow by 50 MB."""
    *paths, leaves = many
    arguments = [*map(str, paths), leaves.root.hex(), str(MANY), str(SIZE)]
    grown = subprocess.run([sys.executable, "-c", OPEN_MANY, *arguments], capture_output=True, text=True, check=True)
    record_property(f"64 open CARs of {MANY} leaves: growth of the process, KiB", int(grown.stdout))
    assert int(grown.stdout) < 4096


def test_blocks_beyond_what_fits_in_memory_are_remembered_on_disk(
    many: tuple[Path, Path, MemoryLeaves], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """All blocks in memory would be 4.5 MB for the reader."""
    (path, index, leaves), part_bytes = many, 320 * 1024
    monkeypatch.setattr(seen_blocks, "IN_MEMORY", 1000)
    tracemalloc.start()
    try:
        with path.open("rb") as source, (tmp_path / "b").open("wb") as out, (tmp_path / "i").open("wb") as entries:
            car.read_car(source, leaves.root, leaves.shape, out, entries, part_bytes)
        with (tmp_path / "c").open("wb") as out:
            car.write_car(leaves, out, part_bytes=part_bytes)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (tmp_path / "i").read_bytes() == index.read_bytes()
    assert (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes() == path.read_bytes()
    assert peak < 2_000_000


@pytest.mark.usefixtures("loops")
@pytest.mark.parametrize("repeated", [False, True])
def test_a_window_is_its_leaves(tmp_path: Path, repeated: bool) -> None:
    leaves = tree_of(300, repeated)
    car_path, index = tmp_path / "a.car", tmp_path / "a.idx"
    for path, data in zip((car_path, index), read(written(leaves), leaves), strict=True):
        path.write_bytes(data)
    with CarFile(car_path, index, leaves.root, leaves.shape) as file:
        for start, stop in ((0, 0), (0, 1), (0, 300), (7, 250), (299, 300)):
            assert file.window(start, stop) == b"".join(leaves[i] for i in range(start, stop))
            assert file.digests(start, stop) == b"".join(leaves.digest(i) for i in range(start, stop))
        for start, stop in ((-1, 2), (2, 1), (0, 301)):
            for way in (file.window, file.digests, leaves.window, leaves.digests):
                with pytest.raises(IndexError):
                    way(start, stop)
    with pytest.raises(ValueError, match="closed"):
        file.window(0, 1)


@pytest.mark.usefixtures("loops")
def test_a_window_with_a_changed_leaf_is_damage(tmp_path: Path) -> None:
    leaves, damaged = tree_of(40), list[CarFile]()
    data, index = read(written(leaves), leaves)
    (tmp_path / "a.idx").write_bytes(index)
    (tmp_path / "a.car").write_bytes(data[:-1] + b"?")
    paths = tmp_path / "a.car", tmp_path / "a.idx"
    with CarFile(*paths, leaves.root, leaves.shape, damaged.append) as file:
        assert file.window(0, 39) == b"".join(leaves[i] for i in range(39))
        with pytest.raises(WrongBlock, match="leaf 39"):
            file.window(8, 40)
        assert damaged == [file]
    paths[0].write_bytes(data[:-1])  # cut off
    with CarFile(*paths, leaves.root, leaves.shape) as file, pytest.raises(WrongBlock):
        file.window(30, 40)
