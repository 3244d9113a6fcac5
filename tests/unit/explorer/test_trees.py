"""The explorer's own copies: verified, bounded, fetched once for all who look, and never what the store only says."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fedexplorer.content.jobs import Job, Standing
from fedexplorer.content.opened import OpenTree
from fedexplorer.content.shelf import Shelf, TooLarge, bytes_of
from fedexplorer.content.trees import Trees
from fedprotocol.car import CarError, CarFile
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.store.base import NotFound, Store
from fedprotocol.store.deadline import Deadline
from fedprotocol.store.directory import DirectoryStore
from fedprotocol.store.open import open_store
from fedprotocol.tree import TreeShape

SHAPE = TreeShape(5, 64)
PLENTY = 1 << 20


def tree_of(number: int, shape: TreeShape = SHAPE) -> MemoryLeaves:
    return MemoryLeaves([bytes([number, leaf]) * (shape.leaf_bytes // 2) for leaf in range(shape.leaf_count)])


class Slow:
    """A store that counts, and answers only when its gate is open."""

    def __init__(self, inner: Store) -> None:
        self.inner, self.gate, self.asked = inner, threading.Event(), 0

    def get(self, root: bytes, shape: TreeShape, deadline: Deadline | None = None) -> CarFile:
        self.asked += 1
        assert self.gate.wait(10)
        return self.inner.get(root, shape, deadline)


class Place:
    """A store that somebody serves in `served`, and an explorer's own copies of it."""

    def __init__(self, folder: Path, limit: int = PLENTY) -> None:
        self.served = DirectoryStore(folder / "served")
        self.own = folder / "own"
        self.store = Slow(open_store(f"dir:{folder / 'served'}", self.own, only_reads=True))
        self.shelf = Shelf(DirectoryStore(self.own), limit)
        self.trees = Trees(self.store, self.shelf)  # type: ignore[arg-type]

    def now(self, leaves: MemoryLeaves) -> OpenTree | Job[None]:
        self.store.gate.set()
        return self.trees.look(leaves.root, leaves.shape, patience=5)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def on_disk(place: Place) -> int:
    return sum(file.stat().st_size for file in (place.own / "trees").iterdir())


def test_ten_viewers_are_one_fetch(place: Place) -> None:
    leaves = tree_of(1)
    place.served.put(leaves)
    with ThreadPoolExecutor(10) as pool:
        looks = [pool.submit(place.trees.look, leaves.root, SHAPE, 5.0) for _ in range(10)]
        threading.Event().wait(0.2)
        assert isinstance(place.trees.look(leaves.root, SHAPE), Job)
        place.store.gate.set()
        found = [look.result() for look in looks]
    assert place.store.asked == 1
    for tree in found:
        assert isinstance(tree, OpenTree)
        assert tree.leaves is not None
        assert [tree.leaves[i] for i in range(5)] == [leaves[i] for i in range(5)]
        assert tree.root == leaves.root
    assert place.trees.look(leaves.root, SHAPE) is found[0], "it is opened once"
    assert not any((place.served.path / "tmp").iterdir())


def test_what_nobody_serves_is_said_and_not_asked_again_at_once(place: Place) -> None:
    leaves = tree_of(1)
    absent = place.now(leaves)
    assert isinstance(absent, Job)
    assert (absent.standing, type(absent.error)) == (Standing.FAILED, NotFound)
    assert 50 < absent.again_in <= 60
    place.served.put(leaves)
    for _ in range(5):
        assert isinstance(place.trees.look(leaves.root, SHAPE), Job)
    assert place.store.asked == 1
    with pytest.raises(NotFound):
        place.trees.get(leaves.root, SHAPE, Deadline(5))


def test_other_bytes_under_a_root_are_never_shown(place: Place) -> None:
    right, other = tree_of(1), tree_of(2)
    place.served.put(other)
    place.served.car_path(other.root).rename(place.served.car_path(right.root))
    found = place.now(right)
    assert isinstance(found, Job)
    assert "holds another thing under this root" in str(found.error)
    assert list((place.own / "trees").iterdir()) == []


def test_one_changed_byte_is_found(place: Place) -> None:
    leaves = tree_of(1)
    place.served.put(leaves)
    car = place.served.car_path(leaves.root)
    data = bytearray(car.read_bytes())
    data[-1] ^= 1
    car.write_bytes(data)
    found = place.now(leaves)
    assert isinstance(found, Job)
    assert found.error is not None


def test_a_shape_that_is_not_the_trees_is_refused(place: Place) -> None:
    leaves = tree_of(1)
    place.served.put(leaves)
    place.store.gate.set()
    for shape in (TreeShape(5, 32), TreeShape(6, 64)):
        assert isinstance(place.trees.look(leaves.root, shape, 5), Job)


def test_the_oldest_go_when_there_is_no_room(tmp_path: Path) -> None:
    place = Place(tmp_path, limit=3 * bytes_of(SHAPE))
    trees = [tree_of(number) for number in range(12)]
    for leaves in trees:
        place.served.put(leaves)
    for leaves in trees:
        assert isinstance(place.now(leaves), OpenTree)
        assert on_disk(place) <= place.shelf.used <= place.shelf.limit
    assert place.store.asked == 12
    held = [leaves for leaves in trees if place.shelf.open(leaves.root, SHAPE)]
    assert trees[-1] in held
    assert trees[0] not in held
    again = Shelf(DirectoryStore(place.own), place.shelf.limit)
    assert again.used == on_disk(place) == place.shelf.used


def test_what_is_in_use_stays_and_what_never_fits_is_refused(tmp_path: Path) -> None:
    place = Place(tmp_path, limit=3 * bytes_of(SHAPE))
    trees = [tree_of(number) for number in range(12)]
    for leaves in trees:
        place.served.put(leaves)
    assert isinstance(place.now(trees[0]), OpenTree)
    with place.trees.keeping([trees[0].root], bytes_of(SHAPE)):
        for leaves in trees[1:]:
            assert isinstance(place.now(leaves), OpenTree)
        assert place.shelf.open(trees[0].root, SHAPE)
    with pytest.raises(TooLarge, match="--cache"), place.trees.keeping([], 4 * bytes_of(SHAPE)):
        pass
    large = tree_of(1, TreeShape(64, 64))
    place.served.put(large)
    refused = place.now(large)
    assert isinstance(refused, Job)
    assert isinstance(refused.error, TooLarge)
    assert place.store.asked == 12


def test_a_copy_that_was_damaged_is_fetched_again(place: Place) -> None:
    leaves = tree_of(1)
    place.served.put(leaves)
    assert isinstance(place.now(leaves), OpenTree)
    car = place.own / "trees" / place.served.car_path(leaves.root).name
    data = bytearray(car.read_bytes())
    data[-1] ^= 1
    car.write_bytes(data)
    anew = Trees(place.store, Shelf(DirectoryStore(place.own), PLENTY))  # type: ignore[arg-type]
    with anew.get(leaves.root, SHAPE, Deadline(5)) as held, pytest.raises(CarError, match="changed on disk"):
        [held[i] for i in range(5)]
    with anew.get(leaves.root, SHAPE, Deadline(5)) as held:
        assert [held[i] for i in range(5)] == [leaves[i] for i in range(5)]
    assert place.store.asked == 2
    assert not list((place.own / "trees").glob("*.damaged"))
