"""Which leaves of a CAR are new: compiled, in NumPy, and as a plain set says."""

from __future__ import annotations

import numpy as np
import pytest
from fedprotocol.car import seen
from fedprotocol.car.key_set import KeySet
from fedprotocol.tree import TreeShape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def digest_of(key: int) -> bytes:
    """Keys at both ends of what eight bytes can be, and in between."""
    place = [0, 1, 2**64 - 1][key] if key < 3 else key * 0x9E3779B97F4A7C15 % 2**64
    return np.uint64(place).tobytes() + bytes([key]) * 24


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=st.lists(st.lists(st.integers(1, 60), min_size=1, max_size=8), max_size=20))
def test_as_a_set(loops: str, calls: list[list[int]]) -> None:  # noqa: ARG001
    known: set[int] = set()
    with seen.Seen(TreeShape(60, 64)) as new:
        for keys in calls:
            expected = len(set(keys)) == len(keys) and not known & set(keys)
            assert new.add_new(b"".join(map(digest_of, keys))) == expected
            known |= set(keys) if expected else set()


def test_a_full_set_knows_every_key() -> None:
    count = 5000
    digests = [digest_of(3)[:8] + bytes(24), *(np.uint64(i).tobytes() + bytes(24) for i in range(1, count))]
    keys = KeySet(count)
    assert all(keys.add_new(digest) for digest in digests)
    assert not any(keys.add_new(digest) for digest in digests)


def test_nothing_is_added_if_one_is_known() -> None:
    keys = KeySet(100)
    assert keys.add_new(digest_of(50))
    for _ in range(2):
        assert not keys.add_new(b"".join(map(digest_of, [*range(3, 50), 50]))), "or its room would be gone"
    assert keys.add_new(b"".join(map(digest_of, [*range(3, 50), 51])))


def test_places_cannot_be_foreseen() -> None:
    """Who makes leaves so that all ask for one place would make the set slow."""
    first, second = KeySet(1000), KeySet(1000)
    for keys in (first, second):
        assert keys.add_new(b"".join(map(digest_of, range(3, 103))))
    assert (first._table != second._table).any()


@pytest.mark.parametrize("most", [2, 3, 1000, 1 << 20])
def test_memory_of_a_set(most: int) -> None:
    assert 12 * most <= KeySet(most)._table.nbytes <= 25 * most
