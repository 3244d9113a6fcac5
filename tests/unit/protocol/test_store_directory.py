"""The directory store, alone and with hostile peers beside it."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from pathlib import Path

import pytest
from fedprotocol import tree
from fedprotocol.car import CarError, MemoryLeaves, WrongBlock
from fedprotocol.store.base import Malformed, NotFound, StoreError, Unavailable
from fedprotocol.store.directory import DirectoryStore, block_path, car_path
from fedprotocol.store.open import open_store
from fedprotocol.tree import TreeShape

LEAVES = MemoryLeaves([bytes([i]) * 64 for i in range(5)])


@pytest.fixture
def own(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "own")


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_tree_comes_back(own: DirectoryStore) -> None:
    assert own.put(LEAVES) == LEAVES.root
    assert own.put(LEAVES) == LEAVES.root
    with own.get(LEAVES.root, LEAVES.shape) as held:
        assert [held[i] for i in range(5)] == [LEAVES[i] for i in range(5)]
        own.unpin(LEAVES.root)
        assert held[4] == LEAVES[4]  # whoever has it open goes on reading
    own.unpin(LEAVES.root)
    with pytest.raises(NotFound, match=tree.cid(LEAVES.root)):
        own.get(LEAVES.root, LEAVES.shape)
    assert snapshot(own.path) == {}


def test_a_block_comes_back(own: DirectoryStore) -> None:
    digest = own.put_block(b"a spec")
    assert digest == hashlib.sha256(b"a spec").digest()
    assert own.get_block(digest, 6) == b"a spec"
    with pytest.raises(Malformed, match="5 bytes"):
        own.get_block(digest, 5)
    with pytest.raises(NotFound):
        own.get_block(bytes(32), 5)


def test_a_tree_of_another_shape_is_malformed_and_stays(own: DirectoryStore) -> None:
    """A client may reveal the root of something that is here already, a global for instance."""
    own.put(LEAVES)
    before = snapshot(own.path)
    for shape in (TreeShape(4, 64), TreeShape(6, 64), TreeShape(5, 32), TreeShape(5, 256)):
        with pytest.raises(Malformed):
            own.get(LEAVES.root, shape)
    assert snapshot(own.path) == before


def test_nothing_is_left_of_what_was_refused(own: DirectoryStore, tmp_path: Path) -> None:
    own.put(LEAVES)
    data = car_path(own.path, LEAVES.root).read_bytes()
    own.unpin(LEAVES.root)
    for wrong in (data[:-1], data + b"\0", data[:-1] + b"?"):
        (tmp_path / "wrong").write_bytes(wrong)
        with (tmp_path / "wrong").open("rb") as source, pytest.raises(CarError):
            own.admit(source, LEAVES.root, LEAVES.shape)
        assert snapshot(own.path) == {}


def test_leftovers_of_a_killed_process_are_removed_a_day_later(own: DirectoryStore) -> None:
    old, new = own.path / "tmp/old", own.path / "tmp/new"
    for path in (old, new):
        path.write_bytes(b"half a tree")
    os.utime(old, (time.time() - 90_000,) * 2)
    DirectoryStore(own.path)
    assert (old.exists(), new.exists()) == (False, True)


def test_a_store_is_opened_while_another_program_writes_in_it(own: DirectoryStore) -> None:
    """A file that is being written is seen, and may be gone before it is looked at."""
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            own.check()

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(1_000):
            DirectoryStore(own.path)
    finally:
        over.set()
        for writer in writers:
            writer.join()


def test_peers_are_read_and_never_written(tmp_path: Path) -> None:
    other = DirectoryStore(tmp_path / "other")
    other.put(LEAVES)
    digest = other.put_block(b"a spec")
    before = snapshot(other.path)
    store = open_store(f"dir:{tmp_path}/mine", tmp_path / "cache", [f"dir:{tmp_path}/absent", f"dir:{tmp_path}/other"])
    with store.get(LEAVES.root, LEAVES.shape) as held:
        assert held[3] == LEAVES[3]
    assert store.get_block(digest, 100) == b"a spec"
    assert "1 of 2 peers" in store.check()
    assert snapshot(other.path) == before
    assert not (tmp_path / "absent").exists()
    other.unpin(LEAVES.root)
    store.get(LEAVES.root, LEAVES.shape).close()  # a copy of one's own by now
    store.unpin(LEAVES.root)
    with pytest.raises(NotFound, match="nobody has"):
        store.get(LEAVES.root, LEAVES.shape)
    with pytest.raises(NotFound, match="nobody has"):
        store.get_block(bytes(32), 10)


def test_whoever_only_reads_writes_nothing_there(tmp_path: Path) -> None:
    leaves = MemoryLeaves([bytes([i]) * 64 for i in range(3)])
    served = DirectoryStore(tmp_path / "served")
    served.put(leaves)
    before = sorted((path, path.stat().st_mtime_ns) for path in served.path.rglob("*"))
    reader = open_store(f"dir:{served.path}", tmp_path / "copies", only_reads=True)
    with reader.get(leaves.root, leaves.shape) as held:
        assert held[1] == leaves[1]
    for refused in (lambda: reader.put(MemoryLeaves([b"1", b"2"])), lambda: reader.put_block(b"block")):
        with pytest.raises(Unavailable, match="read only"):
            refused()
    assert sorted((path, path.stat().st_mtime_ns) for path in served.path.rglob("*")) == before
    reader.unpin(leaves.root)
    with pytest.raises(NotFound):
        DirectoryStore(tmp_path / "copies").get(leaves.root, leaves.shape)
    assert sorted((path, path.stat().st_mtime_ns) for path in served.path.rglob("*")) == before


def test_a_hostile_peer_is_passed_over(tmp_path: Path) -> None:
    """The first peer serves wrong things in every way; the second one is honest."""
    honest = DirectoryStore(tmp_path / "honest")
    honest.put(LEAVES)
    digest = honest.put_block(b"a spec")
    data = car_path(honest.path, LEAVES.root).read_bytes()
    bad = tmp_path / "bad"
    for folder in ("trees", "blocks"):
        (bad / folder).mkdir(parents=True)
    peers = [f"dir:{bad}", f"dir:{honest.path}"]
    tree_file, block_file = car_path(bad, LEAVES.root), block_path(bad, digest)

    def clear() -> None:
        for path in (tree_file, block_file):
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink(missing_ok=True)

    def both(make: object) -> None:
        assert callable(make)
        make(tree_file)
        make(block_file)

    hostile = [
        lambda path: path.write_bytes(data[:-1]),
        lambda path: path.write_bytes(bytes(10_000)),
        lambda path: path.write_bytes(b""),
        lambda path: path.mkdir(),
        lambda path: os.mkfifo(path),  # nobody writes to it: opening it would wait for ever
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to(path),
    ]
    for number, make in enumerate(hostile):
        clear()
        both(make)
        store = open_store(f"dir:{tmp_path}/mine{number}", tmp_path, peers)
        store.get(LEAVES.root, LEAVES.shape).close()
        assert store.get_block(digest, 100) == b"a spec"
        alone = open_store(f"dir:{tmp_path}/alone{number}", tmp_path, peers[:1])
        with pytest.raises((NotFound, Malformed)):
            alone.get(LEAVES.root, LEAVES.shape)
        with pytest.raises((NotFound, Malformed)):
            alone.get_block(digest, 100)
        assert snapshot(tmp_path / f"alone{number}") == {}


def test_a_wrong_tree_is_told_apart_from_an_absent_one(tmp_path: Path) -> None:
    other = DirectoryStore(tmp_path / "other")
    other.put(LEAVES)
    path = car_path(other.path, LEAVES.root)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    store = open_store(f"dir:{tmp_path}/mine", tmp_path, [f"dir:{tmp_path}/other"])
    with pytest.raises(Malformed, match="do not hash") as caught:
        store.get(LEAVES.root, LEAVES.shape)
    assert isinstance(caught.value.__cause__, WrongBlock)


def test_a_damaged_copy_is_replaced_from_a_peer(tmp_path: Path) -> None:
    honest = DirectoryStore(tmp_path / "honest")
    honest.put(LEAVES)
    digest = honest.put_block(b"a spec")
    store = open_store(f"dir:{tmp_path}/mine", tmp_path, [f"dir:{tmp_path}/honest"])
    store.get(LEAVES.root, LEAVES.shape).close()
    store.get_block(digest, 10)
    for path in (car_path(tmp_path / "mine", LEAVES.root).with_suffix(".idx"), block_path(tmp_path / "mine", digest)):
        path.write_bytes(b"")
    with store.get(LEAVES.root, LEAVES.shape) as held:
        assert held[0] == LEAVES[0]
    assert store.get_block(digest, 10) == b"a spec"


def damage(path: Path) -> None:
    """Change the last byte of a CAR: of its last leaf."""
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def test_a_leaf_found_damaged_is_fetched_again_from_a_peer(tmp_path: Path) -> None:
    honest = DirectoryStore(tmp_path / "honest")
    honest.put(LEAVES)
    store = open_store(f"dir:{tmp_path}/mine", tmp_path, [f"dir:{tmp_path}/honest"])
    store.get(LEAVES.root, LEAVES.shape).close()
    path = car_path(tmp_path / "mine", LEAVES.root)
    damage(path)
    with store.get(LEAVES.root, LEAVES.shape) as held:
        assert held[0] == LEAVES[0]
        with pytest.raises(WrongBlock, match="leaf 4"):
            held[4]
        with store.get(LEAVES.root, LEAVES.shape) as again:
            assert [again[i] for i in range(5)] == [LEAVES[i] for i in range(5)]
            with pytest.raises(WrongBlock):
                held[4]  # and does not take the new copy's name away
        with store.get(LEAVES.root, LEAVES.shape) as again:
            assert again[4] == LEAVES[4]
    assert path.with_suffix(".car.damaged").exists()
    store.unpin(LEAVES.root)
    assert snapshot(tmp_path / "mine") == {}


def test_a_leaf_found_damaged_is_not_found_where_nobody_has_it(own: DirectoryStore) -> None:
    own.put(LEAVES)
    damage(own.car_path(LEAVES.root))
    with own.get(LEAVES.root, LEAVES.shape) as held, pytest.raises(WrongBlock):
        held[4]
    with pytest.raises(NotFound):
        own.get(LEAVES.root, LEAVES.shape)
    own.put(LEAVES)
    with own.get(LEAVES.root, LEAVES.shape) as held:
        assert held[4] == LEAVES[4]


def test_an_index_that_is_lost_or_damaged_is_made_again(own: DirectoryStore) -> None:
    own.put(LEAVES)
    index = own.car_path(LEAVES.root).with_suffix(".idx")
    right = index.read_bytes()
    for wrong in (None, b"", right[:-1], bytes(len(right)), bytes(8) + right[8:]):
        index.unlink() if wrong is None else index.write_bytes(wrong)
        with own.get(LEAVES.root, LEAVES.shape) as held:
            assert [held[i] for i in range(5)] == [LEAVES[i] for i in range(5)]
        assert index.read_bytes() == right


def test_a_store_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unavailable, match="file"):
        DirectoryStore(tmp_path / "file/below")
    store = DirectoryStore(tmp_path / "own")
    assert "0 trees" in store.check()
    (tmp_path / "own/tmp").rmdir()
    for use in (lambda: store.put(LEAVES), lambda: store.put_block(b"x"), store.check):
        with pytest.raises(Unavailable):
            use()


@pytest.mark.parametrize(
    "url", ["", "dir:", "dir:relative/path", "/plain/path", "s3:bucket", "kubo:", "kubo:127.0.0.1:5001", "kubo:http://"]
)
def test_urls_that_name_no_store(url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        open_store(url, tmp_path)


def test_peers_are_of_the_same_kind_as_the_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="absolute"):
        open_store(f"dir:{tmp_path}", tmp_path, ["relative"])
    for wrong in (f"dir:{tmp_path}", "", "/ip4/127.0.0.1/tcp/4001", "/ip4/127.0.0.1/tcp/4001/p2p/", "12D3KooW"):
        with pytest.raises(StoreError, match="no peer"):
            open_store("kubo:http://127.0.0.1:5001", tmp_path, [wrong])
