"""The form in which a rule's partial sums hold every update's leaf, byte by byte."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from fedaggregator.rules import RuleError
from fedaggregator.rules.gathered_leaves import append, most_updates, read, sums_bytes
from fedprotocol.numbers import to_bytes
from hypothesis import given, settings
from hypothesis import strategies as st

MAX_WEIGHT = 2**20 - 1
K = 32


def row(mantissas: list[int], bits: int, weight: int, shift: int) -> bytes:
    """One row as docs/protocol.md has it."""
    values = struct.pack(f">{len(mantissas)}{'b' if bits == 8 else 'h'}", *mantissas)
    return bytes(26) + bytes([bits]) + weight.to_bytes(4, "big") + bytes([shift]) + values


@st.composite
def updates(draw: st.DrawFn) -> tuple[int, int, list[tuple[np.ndarray, int, int]]]:
    bits, leaves = draw(st.sampled_from([8, 16])), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = st.builds(
        lambda: rng.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (leaves, K), dtype=np.dtype(f"int{bits}"))
    )
    weight = st.one_of(st.sampled_from([0, 1, MAX_WEIGHT]), st.integers(0, MAX_WEIGHT))
    update = st.tuples(values, weight, st.integers(0, 31 - bits))
    return bits, leaves, draw(st.lists(update, min_size=1, max_size=5))


@settings(max_examples=100, deadline=None)
@given(updates())
def test_a_leaf_is_the_rows_of_its_updates(case: tuple[int, int, list[tuple[np.ndarray, int, int]]]) -> None:
    bits, leaves, given_updates = case
    sums = None
    for mantissas, weight, shift in given_updates:
        sums = append(sums, mantissas, weight, shift)
    assert sums is not None
    for leaf in range(leaves):
        expected = b"".join(row(m[leaf].tolist(), bits, w, s) for m, w, s in given_updates)
        assert to_bytes(sums[:, leaf]) == expected
        assert len(expected) == sums_bytes(len(given_updates), K, bits)
    found = read(sums, leaves, K)
    assert found.weights.tolist() == [w for _, w, _ in given_updates]
    assert found.shifts.tolist() == [s for _, _, s in given_updates]
    assert (found.mantissas == np.stack([m for m, _, _ in given_updates])).all()


@pytest.mark.parametrize(
    ("sums", "mantissas", "weight", "shift"),
    [
        (None, np.zeros((1, K), np.uint8), 1, 0),
        (None, np.zeros((1, K), np.int32), 1, 0),
        (None, np.zeros(K, np.int8), 1, 0),
        (None, np.zeros((1, K + 1), np.int8), 1, 0),
        (None, np.zeros((0, K), np.int8), 1, 0),
        (None, np.zeros((1, K), np.int8), -1, 0),
        (None, np.zeros((1, K), np.int8), 2**20, 0),
        (None, np.zeros((1, K), np.int8), 1, 24),
        (None, np.zeros((1, K), np.int16), 1, 16),
        (None, np.zeros((1, K), np.int8), 1, -1),
        (np.zeros((1, 1, 32 + K), np.int8), np.zeros((2, K), np.int8), 1, 0),
        (np.zeros((1, 1, 32 + K), np.int8), np.zeros((1, 2 * K), np.int8), 1, 0),
        (np.zeros((1, 1, 32 + K), np.int8), np.zeros((1, K), np.int16), 1, 0),
        (np.zeros((1, 32 + K), np.int8), np.zeros((1, K), np.int8), 1, 0),
    ],
)
def test_append_refuses(sums: np.ndarray | None, mantissas: np.ndarray, weight: int, shift: int) -> None:
    with pytest.raises(RuleError):
        append(sums, mantissas, weight, shift)


@pytest.mark.parametrize("bits", [8, 16])
def test_read_refuses(bits: int) -> None:
    one = append(None, np.ones((2, K), f"int{bits}"), 7, 3)
    right = append(one, np.ones((2, K), f"int{bits}"), 7, 3)
    size = right.shape[2] - K
    read(right, 2, K)
    for wrong in (right.astype(np.int32), right[:0], right[:, :1], right[:, :, 1:], right[0]):
        with pytest.raises(RuleError):
            read(wrong, 2, K)
    for index, leaf, element in ((0, 0, 0), (1, 1, size - 1), (1, 0, size - 6 * 8 // bits)):
        changed = right.copy()
        changed[index, leaf, element] += 31
        with pytest.raises(RuleError, match=f"row {index} "):
            read(changed, 2, K)


def test_the_most_updates_are_those_that_fit_in_a_call() -> None:
    assert [most_updates(k, 8) for k in (32, 256, 1024, 8192)] == [256, 256, 117, 11]
    assert [most_updates(k, 16) for k in (32, 256, 1024, 8192)] == [256, 233, 59, 5]
