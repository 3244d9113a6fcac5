"""CAR in and out: every way in which a file can be wrong has its error, and nothing is read beyond it.

That the bytes are Kubo's own is shown in test_store_kubo.py.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import cbor2
import pytest
from fedprotocol import car, tree
from fedprotocol.car import (
    BadHeader,
    BadLength,
    CarError,
    CarFile,
    ExtraBlocks,
    ForeignCodec,
    MemoryLeaves,
    Truncated,
    WrongBlock,
)
from fedprotocol.tree import TreeShape
from hypothesis import given, settings
from hypothesis import strategies as st
from support.small_trees import SIZE, read, tree_of, written

OTHER_CARS = Path(__file__).resolve().parents[3].parent / "shared/data/car"


def varint(value: int) -> bytes:
    data = b""
    while value > 127:
        data += bytes([value % 128 + 128])
        value //= 128
    return data + bytes([value])


def section(cid: bytes, block: bytes) -> bytes:
    return varint(len(cid) + len(block)) + cid + block


def sections(data: bytes) -> list[bytes]:
    """A CAR cut into its header and sections."""
    parts, at = [], 0
    while at < len(data):
        length, shift, start = 0, 0, at
        while True:
            length |= (data[at] & 127) << shift
            at, shift = at + 1, shift + 7
            if data[at - 1] < 128:
                break
        at += length
        parts.append(data[start:at])
    return parts


@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 7, 225, 2049])
def test_what_is_written_is_read(tmp_path: Path, count: int, repeated: bool) -> None:
    leaves = tree_of(count, repeated)
    data, index = read(written(leaves), leaves)
    assert data == written(leaves)
    (tmp_path / "a.car").write_bytes(data)
    (tmp_path / "a.idx").write_bytes(index)
    with CarFile(tmp_path / "a.car", tmp_path / "a.idx", leaves.root, leaves.shape) as file:
        assert [file[i] for i in range(count)] == [leaves[i] for i in range(count)]
        assert [file.digest(i) for i in range(count)] == [leaves.digest(i) for i in range(count)]
        assert written(file) == data
        for outside in (-1, count):
            with pytest.raises(IndexError):
                file[outside]


def test_header_and_sections_are_car_v1() -> None:
    leaves = tree_of(3)
    header, *blocks = sections(written(leaves))
    assert cbor2.loads(header[1:]) == {
        "roots": [cbor2.CBORTag(42, b"\0" + tree.cid_bytes(leaves.root, raw=False))],
        "version": 1,
    }
    cids = [block[1:37] for block in blocks]
    assert cids[0] == tree.cid_bytes(leaves.root, raw=False)
    assert cids[2:] == [tree.cid_bytes(leaves.digest(i), raw=True) for i in range(3)]
    assert all(hashlib.sha256(block[37:]).digest() == cid[4:] for block, cid in zip(blocks, cids, strict=True))


def test_a_tree_of_zeros_is_one_leaf_and_one_node_a_level() -> None:
    leaves = MemoryLeaves([bytes(1024)] * 4096)
    data = written(leaves)
    assert len(sections(data)) == 1 + 12 + 1
    read(data, leaves)


def test_a_car_cut_anywhere_is_truncated() -> None:
    leaves = tree_of(5)
    data = written(leaves)
    for end in range(len(data)):
        with pytest.raises(Truncated):
            read(data[:end], leaves)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 255))
def test_a_car_with_any_byte_changed_is_refused(at: int, change: int) -> None:
    leaves = tree_of(5, repeated=True)
    data = bytearray(written(leaves))
    data[at % len(data)] ^= change
    with pytest.raises(CarError):
        read(bytes(data), leaves)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_noise_is_refused(noise: bytes) -> None:
    leaves = tree_of(2)
    with pytest.raises(CarError):
        read(noise, leaves)
    with pytest.raises(CarError):
        read(sections(written(leaves))[0] + noise, leaves)


class Counting(io.BytesIO):
    """Remembers how far it was read."""

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        assert 0 <= size <= 1024, f"a read of {size} bytes"
        return super().read(size)


@pytest.mark.parametrize(
    ("error", "bad"),
    [
        (WrongBlock, section(tree.cid_bytes(bytes(32), raw=False), bytes(83))),
        (WrongBlock, section(tree.cid_bytes(tree_of(5).root, raw=True), bytes(83))),
        (WrongBlock, section(tree.cid_bytes(tree_of(5).root, raw=False), bytes(83))),
        (ForeignCodec, section(b"\x01\x70\x12\x20" + tree_of(5).root, bytes(83))),  # dag-pb
        (ForeignCodec, section(b"\x12\x20" + tree_of(5).root, bytes(85))),  # CIDv0
        (ForeignCodec, section(b"\x01\x71\x1b\x20" + tree_of(5).root, bytes(83))),  # keccak-256
        (ForeignCodec, section(b"\x01\x71\x00\x20" + tree_of(5).root, bytes(83))),  # identity
        (BadLength, varint(36 + 82) + tree.cid_bytes(tree_of(5).root, raw=False)),
        (BadLength, varint(2**40) + tree.cid_bytes(tree_of(5).root, raw=False)),
        (BadLength, varint(2**62) + tree.cid_bytes(tree_of(5).root, raw=False)),
        (BadLength, b"\xff" * 9 + b"\x01" + tree.cid_bytes(tree_of(5).root, raw=False)),
        (BadLength, b"\xff" * 1000),
        (BadLength, b"\xf7\x00" + tree.cid_bytes(tree_of(5).root, raw=False)),  # 119, not in its shortest form
        (BadLength, b"\0"),
        (BadLength, varint(35) + bytes(35)),
    ],
)
def test_reading_stops_at_the_first_wrong_section(error: type[CarError], bad: bytes) -> None:
    leaves = tree_of(5)
    header = sections(written(leaves))[0]
    source, out = Counting(header + bad + bytes(100_000)), io.BytesIO()
    with pytest.raises(error) as caught:
        car.read_car(source, leaves.root, leaves.shape, out, io.BytesIO())
    assert type(caught.value) is error
    assert source.tell() <= len(header) + len(bad)
    assert out.getvalue() == header


def test_blocks_must_come_in_order_and_once() -> None:
    leaves = tree_of(5)
    parts = sections(written(leaves))
    swapped = [*parts[:4], parts[5], parts[4], *parts[6:]]
    for wrong in (swapped, parts[:3] + parts[4:], [*parts[:4], parts[3], *parts[4:]]):
        with pytest.raises(WrongBlock):
            read(b"".join(wrong), leaves)
    twice = tree_of(6, repeated=True)
    parts = sections(written(twice))
    leaf = next(part for part in parts if part.endswith(bytes(SIZE)))
    with pytest.raises(CarError):
        read(b"".join([*parts[: parts.index(leaf) + 1], leaf, *parts[parts.index(leaf) + 1 :]]), twice)


@pytest.mark.parametrize("extra", [b"\0", bytes(1000), section(tree.cid_bytes(bytes(32), raw=True), b"x")])
def test_nothing_may_follow_the_tree(extra: bytes) -> None:
    leaves = tree_of(3)
    with pytest.raises(ExtraBlocks):
        read(written(leaves) + extra, leaves)


def header_of(document: object) -> bytes:
    data = cbor2.dumps(document, canonical=True)
    return varint(len(data)) + data


def link(digest: bytes) -> cbor2.CBORTag:
    return cbor2.CBORTag(42, b"\0" + tree.cid_bytes(digest, raw=False))


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ({"roots": [link(bytes(32))], "version": 1}, "does not have the one root"),
        ({"roots": [], "version": 1}, "exactly one root"),
        ({"roots": [link(tree_of(3).root), link(tree_of(3).root)], "version": 1}, "exactly one root"),
        ({"roots": [link(tree_of(3).root)], "version": 2}, "root"),
        ({"version": 2}, "CAR v2"),
        ({"roots": [link(tree_of(3).root)]}, "CAR v1"),
        ([1, 2, 3], "CAR v1"),
    ],
)
def test_another_header_is_refused(header: object, says: str) -> None:
    leaves = tree_of(3)
    body = b"".join(sections(written(leaves))[1:])
    with pytest.raises(BadHeader, match=says):
        read(header_of(header) + body, leaves)


def test_a_header_that_lies_about_its_length_is_not_believed() -> None:
    leaves = tree_of(3)
    for length in (varint(2**50), b"\xff" * 20, b"\0", varint(4096)):
        with pytest.raises(BadLength):
            read(length + written(leaves)[1:], leaves)


def test_a_tree_of_another_shape_is_refused() -> None:
    """Valid CARs, the right root, but not the shape that the federation fixed."""
    for count in (3, 5, 6, 9):
        leaves = tree_of(count)
        for other in (count - 1, count + 1, 2 * count, 2**20):
            with pytest.raises(CarError):
                car.read_car(
                    io.BytesIO(written(leaves)), leaves.root, TreeShape(other, SIZE), io.BytesIO(), io.BytesIO()
                )
        for size in (SIZE - 1, SIZE + 1, 2 * SIZE):
            with pytest.raises(BadLength):
                car.read_car(
                    io.BytesIO(written(leaves)), leaves.root, TreeShape(count, size), io.BytesIO(), io.BytesIO()
                )


def test_a_repeated_node_cannot_stand_for_a_larger_subtree() -> None:
    """3 and 5 leaves have top nodes of the same codecs; one digest used for both must not pass."""
    leaves = tree_of(3)
    top = tree.inner_node(leaves.root, False, leaves.root, False)  # both halves are the tree of three
    root = hashlib.sha256(top).digest()
    three = sections(written(leaves))[1:]
    head = header_of({"roots": [link(root)], "version": 1})
    data = head + section(tree.cid_bytes(root, raw=False), top) + b"".join(three)
    for count in (6, 7, 8, 16):
        with pytest.raises(CarError):
            car.read_car(io.BytesIO(data), root, TreeShape(count, SIZE), io.BytesIO(), io.BytesIO())


def test_a_node_that_links_a_foreign_codec_is_refused() -> None:
    leaves = tree_of(2)
    node = bytearray(tree.inner_node(leaves.digest(0), True, leaves.digest(1), True))
    node[48] = 0x70
    root = hashlib.sha256(node).digest()
    data = header_of({"roots": [link(root)], "version": 1}) + section(tree.cid_bytes(root, raw=False), bytes(node))
    with pytest.raises(ForeignCodec, match="links"):
        car.read_car(io.BytesIO(data), root, leaves.shape, io.BytesIO(), io.BytesIO())


def unixfs(complete: bool = True) -> bytes:
    """A folder as UnixFS has it, dag-pb under CIDv0: of one file, or of another one too that is missing."""
    file = b"\x0a\x08\x08\x02\x12\x02hi\x18\x02"
    hashes = [b"\x12\x20" + hashlib.sha256(content).digest() for content in (file, b"lost")]
    links = b"".join(b"\x12\x29\x0a\x22" + cid + b"\x12\x01a\x18\x0a" for cid in hashes[: 1 if complete else 2])
    node = links + b"\x0a\x02\x08\x01"
    root = b"\x12\x20" + hashlib.sha256(node).digest()
    head = header_of({"roots": [cbor2.CBORTag(42, b"\0" + root)], "version": 1})
    return head + section(root, node) + section(hashes[0], file)


ENDLESS_SECTION = varint(2**40) + tree.cid_bytes(bytes(32), raw=True)


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        (varint(2**40) + b"gversion\x01", BadLength, "not a CAR v1"),
        (header_of({"roots": [], "version": 1}) + ENDLESS_SECTION, BadHeader, "exactly one root"),
        (unixfs(), BadHeader, "does not have the one root"),
        (unixfs(complete=False), BadHeader, "does not have the one root"),
        (
            header_of({"roots": [link(tree_of(2).root)], "version": 1}) + ENDLESS_SECTION,
            BadLength,
            "no block makes one",
        ),
        (
            header_of({"roots": [link(tree_of(2).root)], "version": 1}) + b"".join(sections(unixfs())[1:]),
            ForeignCodec,
            r"CID 1220",
        ),
    ],
    ids=["header length", "no root", "UnixFS", "UnixFS with a block missing", "section length", "UnixFS, our header"],
)
def test_cars_of_the_kinds_that_others_write_or_test_with_are_refused(
    data: bytes, error: type[CarError], says: str
) -> None:
    with pytest.raises(error, match=says) as caught:
        read(data, tree_of(2))
    assert type(caught.value) is error


@pytest.mark.skipif(not OTHER_CARS.is_dir(), reason="NOT CHECKED AGAINST GO-CAR'S OWN FILES: they are not here")
def test_go_cars_own_files_are_refused() -> None:
    leaves = tree_of(2)
    expected = {
        "badheaderlength.car": BadLength,
        "badsectionlength.car": BadHeader,  # it has no root
        "simple-unixfs.car": BadHeader,
        "simple-unixfs-missing-blocks.car": BadHeader,
    }
    assert {path.name for path in OTHER_CARS.glob("*.car")} == set(expected)
    for name, error in expected.items():
        with pytest.raises(error):
            read((OTHER_CARS / name).read_bytes(), leaves)
    # The same sections under a header of ours.
    head = header_of({"roots": [link(leaves.root)], "version": 1})
    for name, skip, error in (("badsectionlength.car", 18, BadLength), ("simple-unixfs.car", 57, ForeignCodec)):
        with pytest.raises(error):
            read(head + (OTHER_CARS / name).read_bytes()[skip:], leaves)


def test_sources_may_return_less_than_asked_for() -> None:
    class Dripping(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 1, 7))

    leaves, out = tree_of(5), io.BytesIO()
    car.read_car(Dripping(written(leaves)), leaves.root, leaves.shape, out, io.BytesIO())
    assert out.getvalue() == written(leaves)
