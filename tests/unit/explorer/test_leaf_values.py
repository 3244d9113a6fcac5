"""A leaf's bytes as values of tensors, the way to its root, and how the values of a tree are distributed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from fedexplorer.content.named import Kind, names_of
from fedexplorer.content.opened import OpenTree
from fedexplorer.content.statistics import of_change, of_tree, statistics_of
from fedexplorer.content.tensors import Tensors, unravelled
from fedexplorer.content.values import GLOBAL, Encoding, values_of
from fedexplorer.history.log import Log
from fedprotocol import tree
from fedprotocol.chain.read.events import Event
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.numbers import UNIT, split_leaves
from fedprotocol.spec import Layout
from hypothesis import given
from hypothesis import strategies as st

K = 32
LAYOUT = Layout.model_validate(
    {
        "tensors": [{"name": "a", "shape": [5, 6]}, {"name": "b", "shape": [3]}, {"name": "c", "shape": [2, 3, 20]}],
        "leaf_values": K,
        "mantissa_bits": 8,
        "parts": 1,
    }
)
VALUES = 30 + 3 + 120  # in five leaves of 32, the last seven of them padding


def leaves_of(values: np.ndarray) -> MemoryLeaves:
    return MemoryLeaves(split_leaves(values, K))


@given(st.integers(2, 300), st.data())
def test_the_way_to_the_root_is_the_one_that_proofs_take(count: int, data: st.DataObject) -> None:
    digests = [tree.leaf_digest(bytes([i % 256, i // 256])) for i in range(count)]
    opened = OpenTree(digests, tree.TreeShape(count, 2), None)
    index = data.draw(st.integers(0, count - 1))
    assert opened.path(index) == tree.path(digests, index)
    assert tree.root_from_path(count, index, digests[index], opened.path(index)) == opened.root == tree.root(digests)
    rungs = opened.climb(index)
    assert rungs[-1].parent.digest == opened.root
    for rung, above in zip(rungs, [*[r.own for r in rungs[1:]], rungs[-1].parent], strict=True):
        assert rung.parent == above
        assert rung.own in opened.children(rung.parent)
        if rung.sibling is None:
            assert (rung.parent.digest, rung.block) == (rung.own.digest, b"")
        else:
            assert tree.leaf_digest(rung.block) == rung.parent.digest
            assert rung.sibling in opened.children(rung.parent)
            assert rung.sibling.is_leaf == (rung.sibling.first == rung.sibling.last)
        assert rung.parent.first <= index <= rung.parent.last


def test_there_is_no_other_node() -> None:
    opened = OpenTree([bytes([i]) * 32 for i in range(5)], tree.TreeShape(5, 1), None)
    assert [opened.width(level) for level in range(opened.height + 1)] == [5, 3, 2, 1]
    for level, index in ((-1, 0), (4, 0), (0, 5), (3, 1), (0, -1)):
        with pytest.raises(IndexError):
            opened.node(level, index)


@given(st.lists(st.integers(1, 7), min_size=1, max_size=4), st.data())
def test_an_index_in_a_tensor_is_numpys(shape: list[int], data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, math.prod(shape) - 1))
    assert unravelled(offset, shape) == tuple(int(i) for i in np.unravel_index(offset, shape))


def test_every_value_has_its_place_in_its_tensor() -> None:
    tensors = Tensors(LAYOUT)
    units = np.arange(VALUES, dtype=np.int32) * 1000 - 70_000
    leaves = leaves_of(units)
    own = {"a": units[:30].reshape(5, 6), "b": units[30:33], "c": units[33:].reshape(2, 3, 20)}
    found = [value for place in range(5) for value in values_of(leaves[place], place, GLOBAL, tensors)]
    assert [value.position for value in found] == list(range(5 * K))
    for value in found[:VALUES]:
        assert value.tensor is not None
        assert own[value.tensor][value.index] == value.stored == value.units
        assert value.real == value.units / 2**24
    assert [value.is_padding for value in found] == [False] * VALUES + [True] * 7
    assert values_of(leaves[1], 1, GLOBAL, None, first=3, count=2)[0].tensor is None
    assert [value.at for value in values_of(leaves[4], 4, GLOBAL, tensors, first=20, count=100)] == list(range(20, 32))


@pytest.mark.parametrize(("bits", "shift"), [(8, 0), (8, 23), (16, 15)])
def test_an_update_counts_in_steps_of_its_shift(bits: int, shift: int) -> None:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    mantissas = np.array([low, -1, 0, 1, high], dtype=f"int{bits}")
    found = values_of(split_leaves(mantissas, K)[0], 0, Encoding(bits, shift), None, count=5)
    assert [value.stored for value in found] == mantissas.tolist()
    assert [value.units for value in found] == [int(m) * 2**shift for m in mantissas]
    assert found[0].real == low * 2.0 ** (shift - 24)


def test_statistics_are_those_of_the_values_without_padding() -> None:
    rng = np.random.default_rng(5)
    mantissas = rng.integers(-100, 100, VALUES).astype(np.int8)
    mantissas[::3] = 0
    units = mantissas.astype(np.int64) * 2**9
    reals = units * UNIT
    seen: list[int] = []
    found = statistics_of(of_tree(leaves_of(mantissas), Encoding(8, 9), 5), Tensors(LAYOUT), seen.append)
    assert (found.whole.count, found.whole.zeros) == (VALUES, int((units == 0).sum()))
    assert (found.whole.smallest, found.whole.largest) == (reals.min(), reals.max())
    assert found.whole.norm == pytest.approx(float(np.linalg.norm(reals)))
    assert found.whole.mean == pytest.approx(float(reals.mean()))
    assert [t.name for t in found.tensors] == ["a", "b", "c"]
    assert [t.summary.count for t in found.tensors] == [30, 3, 120]
    assert found.tensors[2].summary.norm == pytest.approx(float(np.linalg.norm(reals[33:])))
    assert sum(found.histogram.counts) == VALUES
    counts, edges = np.histogram(reals, found.histogram.edges)
    assert list(found.histogram.counts) == counts.tolist()
    assert edges[0] == -edges[-1]
    assert seen == [160, 320]


def test_a_change_is_what_one_global_has_more_than_the_other() -> None:
    rng = np.random.default_rng(6)
    before, after = (rng.integers(-(2**31), 2**31, VALUES).astype(np.int32) for _ in range(2))
    found = statistics_of(of_change(leaves_of(before), leaves_of(after), GLOBAL, 5), None, lambda _: None)
    difference = after.astype(np.int64) - before
    assert (found.whole.smallest, found.whole.largest) == (difference.min() * UNIT, difference.max() * UNIT)
    assert found.tensors == ()
    same = statistics_of(of_change(leaves_of(after), leaves_of(after), GLOBAL, 5), Tensors(LAYOUT), lambda _: None)
    assert (same.whole.zero_share, same.whole.norm, same.histogram.counts[20]) == (1.0, 0.0, VALUES)


def test_every_root_that_the_chain_names_is_known_and_no_other() -> None:
    genesis, update, proposal = (bytes([i]) * 32 for i in (1, 2, 3))

    def event(name: str, **args: object) -> Event:
        return Event(name, args, 1, bytes(32), bytes(32), 0, 0)

    revealed = {"client": "0xA", "index": 4, "root": update, "shift": 7, "weight": 9}
    log = Log().extended(
        [
            event("Revealed", round=1, **revealed),
            event("Committed", round=2, client="0xA", prior_root=bytes([9]) * 32),
            event("Revealed", round=2, **{**revealed, "client": "0xB"}),
            event("Proposed", round=1, proposer="0xC", root=proposal),
        ]
    )
    names = {root: names_of(root, log, genesis) for root in (genesis, update, proposal, bytes([9]) * 32)}
    assert names[bytes([9]) * 32] == ()
    assert [(n.round, n.account, n.index, n.shift, n.is_global) for n in names[update]] == [
        (1, "0xA", 4, 7, False),
        (2, "0xB", 4, 7, False),
    ]
    assert (names[proposal][0].kind, names[proposal][0].is_global) == (Kind.PROPOSAL, True)
    assert names[genesis][0].kind is Kind.GENESIS
