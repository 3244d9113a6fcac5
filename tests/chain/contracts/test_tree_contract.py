"""UpdateTree on a real EVM against CBOR and hashes made by libraries, and against its Python twin."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator

import cbor2
import pytest
from fedprotocol import tree
from support.evm import Anvil
from web3.contract import Contract
from web3.exceptions import ContractCustomError

PAGE = 2048


@pytest.fixture(scope="module")
def library() -> Iterator[Contract]:
    with Anvil("--gas-limit", "1000000000") as chain:
        yield chain.deploy("UpdateTreeHarness")


def leaves(count: int) -> list[bytes]:
    return [hashlib.sha256(i.to_bytes(4, "big")).digest() for i in range(count)]


def parent(*children: tuple[bytes, int]) -> bytes:
    """Digest of the node over (digest, codec), encoded by cbor2."""
    links = [cbor2.CBORTag(42, b"\x00\x01" + bytes([codec]) + b"\x12\x20" + digest) for digest, codec in children]
    return hashlib.sha256(cbor2.dumps(links)).digest()


def recursive_root(digests: list[bytes]) -> tuple[bytes, int]:
    """Digest and codec by another definition of the same tree: split at the largest power of two below the count."""
    if len(digests) == 1:
        return digests[0], 0x55
    split = 1 << (len(digests) - 1).bit_length() - 1
    return parent(recursive_root(digests[:split]), recursive_root(digests[split:])), 0x71


def paged_root(library: Contract, digests: list[bytes]) -> bytes:
    pages = [digests[i : i + PAGE] for i in range(0, len(digests), PAGE)]
    roots = [library.functions.pageRoot(page).call() for page in pages]
    return bytes(library.functions.rootOfPages(roots, len(digests)).call())


@pytest.mark.parametrize("count", [*range(1, 18), 31, 33, 100, 225, 2047, 2048])
def test_page_root(library: Contract, count: int) -> None:
    digests = leaves(count)
    assert library.functions.pageRoot(digests).call() == recursive_root(digests)[0]


@pytest.mark.parametrize("count", [2, 3, 2047, 2048, 2049, 2050, 4095, 4096, 4097, 6143, 6145, 10_241])
def test_root_of_pages(library: Contract, count: int) -> None:
    digests = leaves(count)
    assert paged_root(library, digests) == recursive_root(digests)[0]


@pytest.mark.parametrize("pages", [*range(1, 10), 511, 512])
def test_last_page_of_one_leaf_is_raw_however_far_it_is_promoted(library: Contract, pages: int) -> None:
    roots = leaves(pages)  # the top of the tree depends on nothing but the roots of the pages
    level = [(root, 0x71) for root in roots[:-1]] + [(roots[-1], 0x55)]
    expected = recursive_top(level)
    assert library.functions.rootOfPages(roots, (pages - 1) * PAGE + 1).call() == expected
    if pages > 1:
        assert library.functions.rootOfPages(roots, (pages - 1) * PAGE + 2).call() != expected


def recursive_top(nodes: list[tuple[bytes, int]]) -> bytes:
    while len(nodes) > 1:
        pairs = [nodes[i : i + 2] for i in range(0, len(nodes), 2)]
        nodes = [pair[0] if len(pair) == 1 else (parent(*pair), 0x71) for pair in pairs]
    return nodes[0][0]


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 7, 9, 11, 16, 17, 225, 2049, 4097])
def test_every_path_leads_to_the_root(library: Contract, count: int) -> None:
    digests = leaves(count)
    root = recursive_root(digests)[0]
    indices = range(count) if count <= 17 else sorted({0, 1, count // 2, count - 2, count - 1})
    for index in indices:
        path = tree.path(digests, index)
        assert library.functions.rootFromPath(count, index, digests[index], path).call() == root


def test_path_at_the_limit_of_2_20_leaves(library: Contract) -> None:
    count, rng = 2**20, random.Random(1)
    for index in (0, 1, count - 1, rng.randrange(count)):
        path = [rng.randbytes(32) for _ in range(20)]
        digest = rng.randbytes(32)
        expected = tree.root_from_path(count, index, digest, path)
        assert library.functions.rootFromPath(count, index, digest, path).call() == expected


def test_random_trees_agree_with_the_twin(library: Contract, record_property: pytest.RecordProperty) -> None:
    rng, compared = random.Random(3), 0
    for size in [5] * 40 + [300] * 20 + [PAGE] * 4 + [3 * PAGE] * 4:
        count = rng.randint(2, size)
        digests = [rng.choice([rng.randbytes(32), bytes(32), b"\xff" * 32]) for _ in range(count)]
        pages = [digests[i : i + PAGE] for i in range(0, count, PAGE)]
        roots = [bytes(library.functions.pageRoot(page).call()) for page in pages]
        assert roots == [tree.page_root(page) for page in pages]
        root = tree.root(digests)
        assert bytes(library.functions.rootOfPages(roots, count).call()) == root
        for index in {0, count - 1, rng.randrange(count)}:
            path = tree.path(digests, index)
            assert bytes(library.functions.rootFromPath(count, index, digests[index], path).call()) == root
            other = rng.randbytes(32)  # leads anywhere, but both to the same place
            computed = bytes(library.functions.rootFromPath(count, index, other, path).call())
            assert computed == tree.root_from_path(count, index, other, path)
            compared += 2 * len(path)
        compared += count
    record_property("values compared: tree, digests under the same roots", compared)


@pytest.mark.parametrize("count", [2, 3, 5, 7, 225])
def test_surplus_and_missing_siblings_revert(library: Contract, count: int) -> None:
    digests = leaves(count)
    for index in {0, count // 2, count - 1}:
        path = tree.path(digests, index)
        for wrong in (path[:-1], [*path, digests[0]], [*path, path[-1]]):
            with pytest.raises(ContractCustomError) as caught:
                library.functions.rootFromPath(count, index, digests[index], wrong).call()
            assert caught.value.data[:10] == selector("WrongPathLength(uint256,uint256)")


def test_a_leaf_proves_nothing_at_another_place_or_count(library: Contract) -> None:
    count = 11
    digests = leaves(count)
    root = recursive_root(digests)[0]
    path = tree.path(digests, 4)
    for other_count in range(2, 40):
        for index in range(other_count):
            if (other_count, index) == (count, 4) or path_length(other_count, index) != len(path):
                continue
            computed = library.functions.rootFromPath(other_count, index, digests[4], path).call()
            same_shape = [step(other_count, index, h) for h in range(8)] == [step(count, 4, h) for h in range(8)]
            assert (computed == root) == same_shape, (other_count, index)


def step(count: int, index: int, level: int) -> tuple[bool, bool, bool] | None:
    """What a path does at a level: on which side, and which of the two are single leaves; None where there is none."""
    width, index = -(-count // 2**level), index >> level
    if width < 2 or index ^ 1 >= width:
        return None
    return index % 2 == 0, tree.is_leaf(count, level, index), tree.is_leaf(count, level, index ^ 1)


def path_length(count: int, index: int) -> int:
    return sum(step(count, index, level) is not None for level in range(21))


@pytest.mark.parametrize(
    ("call", "args", "error"),
    [
        ("pageRoot", [[]], "NoLeaves()"),
        ("rootOfPages", [[], 2], "WrongPageCount(uint256,uint256)"),
        ("rootOfPages", [[b"\1" * 32], 2049], "WrongPageCount(uint256,uint256)"),
        ("rootOfPages", [[b"\1" * 32] * 2, 2048], "WrongPageCount(uint256,uint256)"),
        ("rootFromPath", [4, 4, b"\1" * 32, [b"\2" * 32] * 2], "LeafOutOfRange(uint256,uint256)"),
        ("rootFromPath", [4, 2**256 - 1, b"\1" * 32, [b"\2" * 32] * 2], "LeafOutOfRange(uint256,uint256)"),
        ("rootFromPath", [0, 0, b"\1" * 32, []], "LeafOutOfRange(uint256,uint256)"),
    ],
)
def test_what_is_no_tree_reverts(library: Contract, call: str, args: list[object], error: str) -> None:
    with pytest.raises(ContractCustomError) as caught:
        library.functions[call](*args).call()
    assert caught.value.data[:10] == selector(error)


def test_gas_of_a_page(library: Contract, record_property: pytest.RecordProperty) -> None:
    full = library.functions.pageRoot(leaves(2048)).estimate_gas()
    record_property("gas: fold a page of 2,048 leaves, with calldata", full)
    assert full < 2**24


def selector(signature: str) -> str:
    from eth_utils.crypto import keccak

    return "0x" + keccak(text=signature)[:4].hex()
