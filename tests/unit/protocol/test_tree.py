"""The tree against independent implementations: cbor2, py-cid, hashlib and the recursive definition of RFC 6962."""

from __future__ import annotations

import contextlib
import hashlib

import cbor2
import cid as pycid
import pytest
from fedprotocol import tree
from fedprotocol.tree import TreeError, TreeShape
from hypothesis import given, settings
from hypothesis import strategies as st


def digests(count: int) -> list[bytes]:
    return [hashlib.sha256(i.to_bytes(4, "big")).digest() for i in range(count)]


def recursive(leaves: list[bytes]) -> tuple[bytes, str]:
    """(digest, codec): RFC 6962 splits at the largest power of two below n; nodes are encoded by cbor2."""
    if len(leaves) == 1:
        return leaves[0], "raw"
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    links = [
        cbor2.CBORTag(42, b"\0" + pycid.CIDv1(codec, b"\x12\x20" + digest).buffer)
        for digest, codec in (recursive(leaves[:split]), recursive(leaves[split:]))
    ]
    return hashlib.sha256(cbor2.dumps(links)).digest(), "dag-cbor"


@pytest.mark.parametrize("count", [*range(2, 40), 225, 450, 2047, 2048, 2049, 4097])
def test_root_is_the_recursive_trees(count: int) -> None:
    assert tree.root(digests(count)) == recursive(digests(count))[0]


def test_a_node_is_the_83_bytes_that_cbor_and_cid_libraries_write() -> None:
    left, right = digests(2)
    node = tree.inner_node(left, True, right, False)
    assert len(node) == tree.NODE_BYTES == 83
    links = cbor2.loads(node)
    assert [link.tag for link in links] == [42, 42]
    codecs = [(c.version, c.codec, c.multihash) for c in (pycid.from_bytes(link.value[1:]) for link in links)]
    assert codecs == [(1, "raw", b"\x12\x20" + left), (1, "dag-cbor", b"\x12\x20" + right)]
    assert cbor2.dumps(links, canonical=True) == node


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 300), st.data())
def test_every_path_leads_to_the_root_and_no_other_does(count: int, data: st.DataObject) -> None:
    leaves = digests(count)
    root = tree.root(leaves)
    index = data.draw(st.integers(0, count - 1))
    path = tree.path(leaves, index)
    assert tree.root_from_path(count, index, leaves[index], path) == root
    other = data.draw(st.integers(0, count - 1).filter(lambda i: i != index))
    with contextlib.suppress(TreeError):  # another position may have a path of another length
        assert tree.root_from_path(count, other, leaves[index], path) != root
    for wrong in (path[:-1], [*path, root]):
        with pytest.raises(TreeError, match="are not the path"):
            tree.root_from_path(count, index, leaves[index], wrong)
    changed = [bytes(32), *path[1:]]
    assert tree.root_from_path(count, index, leaves[index], changed) != root


def test_a_promoted_leaf_has_a_short_path_and_stays_raw() -> None:
    leaves = digests(5)
    left = tree.page_root(leaves[:4])
    assert tree.path(leaves, 4) == [left]
    assert tree.root(leaves) == hashlib.sha256(tree.inner_node(left, False, leaves[4], True)).digest()


@pytest.mark.parametrize("count", [2049, 4096, 5000])
def test_the_roots_of_pages_are_nodes_of_the_tree(count: int) -> None:
    leaves = digests(count)
    pages = [tree.page_root(leaves[i : i + tree.PAGE_LEAVES]) for i in range(0, count, tree.PAGE_LEAVES)]
    assert tree.levels(leaves)[11] == pages


def test_cids_are_those_of_a_cid_library() -> None:
    digest = digests(1)[0]
    assert tree.cid(digest) == pycid.CIDv1("dag-cbor", b"\x12\x20" + digest).encode("base32").decode()
    assert tree.raw_cid(digest) == pycid.CIDv1("raw", b"\x12\x20" + digest).encode("base32").decode()
    assert tree.cid(digest).startswith("bafyrei")
    assert tree.raw_cid(digest).startswith("bafkrei")
    assert tree.parse_cid(tree.cid(digest)) == (tree.DAG_CBOR, digest)
    assert tree.parse_cid(tree.raw_cid(digest)) == (tree.RAW, digest)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "b",
        "bafy",
        "QmTkzDwWqPbnAh5YiV5VwcTLnGdwSNsNTn2aDxdXBFca7D",  # CIDv0
        "bafybeihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",  # dag-pb
        tree.cid(bytes(32)).upper(),
        tree.cid(bytes(32))[:-1],
        tree.cid(bytes(32)) + "a",
        tree.cid(bytes(32))[:-1] + "b",  # spare bits set: another spelling of the same bytes
        "z" + tree.cid(bytes(32))[1:],
        "bäfy",
        "b" + "a" * 100_000,
    ],
)
def test_other_texts_are_not_cids_of_a_federation(text: str) -> None:
    with pytest.raises(TreeError):
        tree.parse_cid(text)


def test_a_text_of_any_length_is_quoted_in_brief() -> None:
    for text in ("b" + "\U0001f600" * 100_000, "\udcff" * 100_000):
        with pytest.raises(TreeError) as caught:
            tree.parse_cid(text)
        assert len(str(caught.value)) < 500


def test_what_is_no_tree_is_refused() -> None:
    for wrong in ([], digests(1), [bytes(31), bytes(32)]):
        with pytest.raises(TreeError):
            tree.root(wrong)
    with pytest.raises(TreeError):
        tree.page_root(digests(2049))
    for index in (-1, 3):
        with pytest.raises(TreeError):
            tree.path(digests(3), index)
        with pytest.raises(TreeError):
            tree.root_from_path(3, index, bytes(32), [bytes(32)])
    for shape in ((1, 32), (2**20 + 1, 32), (2, 0)):
        with pytest.raises(TreeError):
            TreeShape(*shape)
