"""Many leaves of a CAR at once: the same bytes, the same index and the same errors as block by block."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from hashlib import shake_128

import pytest
from fedprotocol import car
from fedprotocol.car import CarError, MemoryLeaves, WrongBlock
from fedprotocol.car.format import header_of
from fedprotocol.car.part import Part
from fedprotocol.car.walk import PART_BYTES
from fedprotocol.tree import TreeError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BLOCK_BY_BLOCK = 0


def tree_with(contents: list[int], size: int) -> MemoryLeaves:
    """A leaf for each number; equal numbers are equal leaves."""
    return MemoryLeaves([shake_128(b"%d" % content).digest(size) for content in contents])


def written(leaves: MemoryLeaves, part_bytes: int) -> tuple[bytes, bytes]:
    out, index = io.BytesIO(), io.BytesIO()
    car.write_car(leaves, out, index, part_bytes)
    return out.getvalue(), index.getvalue()


def outcome(data: bytes, leaves: MemoryLeaves, part_bytes: int) -> tuple[object, ...]:
    """What comes of reading: the error, or nothing; and what was kept until then."""
    out, index, error = io.BytesIO(), io.BytesIO(), None
    try:
        car.read_car(io.BytesIO(data), leaves.root, leaves.shape, out, index, part_bytes)
    except CarError as raised:
        error = raised
    return type(error), str(error), out.getvalue(), index.getvalue()


def repeats(rng: random.Random, count: int) -> list[int]:
    """Some leaves, or whole stretches of leaves, that occur more than once."""
    contents = list(range(count))
    for _ in range(rng.choice([0, 0, 1, 3])):
        length = rng.choice([1, 2, 4, 8, count // 2])
        source, target = (rng.randrange(0, max(1, count - length + 1)) for _ in range(2))
        contents[target : target + length] = contents[source : source + length]
    return contents[:count]


def changed(rng: random.Random, data: bytes) -> bytes:
    at, length = rng.randrange(len(data)), rng.choice([1, 1, 36, 120, 200])
    other = rng.randrange(len(data))
    kinds: list[Callable[[], bytes]] = [
        lambda: data[:at] + bytes([data[at] ^ rng.randrange(1, 256)]) + data[at + 1 :],
        lambda: data[:at],
        lambda: data[:at] + data[at + length :],
        lambda: data[:at] + data[other : other + length] + data[at:],
        lambda: data[:at] + data[other : other + length] + data[at + length :],
        lambda: data + data[other : other + length],
    ]
    return rng.choice(kinds)()


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), count=st.integers(2, 70), size=st.sampled_from([7, 83, 91, 92, 64, 256]))
def test_parts_and_blocks_agree(loops: str, seed: int, count: int, size: int) -> None:  # noqa: ARG001
    rng = random.Random(seed)
    leaves = tree_with(repeats(rng, count), size)
    reference = written(leaves, BLOCK_BY_BLOCK)
    part_bytes = rng.choice([600, 2000, 5000, PART_BYTES])
    assert written(leaves, part_bytes) == reference
    kept = (type(None), "None", *reference)
    assert outcome(reference[0], leaves, part_bytes) == outcome(reference[0], leaves, BLOCK_BY_BLOCK) == kept
    for _ in range(6):
        wrong = changed(rng, reference[0])
        assert outcome(wrong, leaves, part_bytes) == outcome(wrong, leaves, BLOCK_BY_BLOCK)


@pytest.mark.usefixtures("loops")
def test_leaves_that_stand_in_it_twice_are_refused_alike() -> None:
    """Every section is right, but a CAR has a block only once."""
    leaves = tree_with([*range(8), *range(4), *range(8, 12)], 64)
    part = Part(4, 64).made(leaves.window(0, 16), leaves.digests(0, 16))
    assert part is not None
    twice = header_of(leaves.root) + part
    assert outcome(twice, leaves, PART_BYTES) == outcome(twice, leaves, BLOCK_BY_BLOCK)
    assert outcome(twice, leaves, PART_BYTES)[0] is WrongBlock


@pytest.mark.usefixtures("loops")
@pytest.mark.parametrize("wrong", [0, 7, 15])
def test_a_part_is_not_made_of_leaves_with_other_digests(wrong: int) -> None:
    leaves, others = tree_with([*range(16)], 64), tree_with([*range(wrong), 99, *range(wrong + 1, 16)], 64)
    assert Part(4, 64).made(leaves.window(0, 16), leaves.digests(0, 16)) is not None
    assert Part(4, 64).made(leaves.window(0, 16), others.digests(0, 16)) is None


@pytest.mark.usefixtures("loops")
@pytest.mark.parametrize("part_bytes", [BLOCK_BY_BLOCK, PART_BYTES])
def test_leaves_that_change_while_they_are_written_are_refused(part_bytes: int) -> None:
    class Changing(MemoryLeaves):
        """Its digests are those of before."""

        def window(self, start: int, stop: int) -> bytes:
            data = bytearray(super().window(start, stop))
            if start <= 20 < stop:
                data[(20 - start) * 64] ^= 1
            return bytes(data)

        def __getitem__(self, index: int) -> bytes:
            return self.window(index, index + 1)

    leaves = Changing([shake_128(b"%d" % content).digest(64) for content in range(40)])
    with pytest.raises(TreeError, match=r"leaf 20|leaves 0 to 31") as raised:
        written(leaves, part_bytes)
    assert "has changed since the tree was made" in str(raised.value)


@pytest.mark.usefixtures("loops")
def test_a_source_that_drips_is_read_once() -> None:
    class Dripping(io.BytesIO):
        given = 0

        def read(self, size: int | None = -1) -> bytes:
            data = super().read(min(size or 1, 7))
            self.given += len(data)
            return data

    leaves = tree_with(list(range(64)), 256)
    data, index = written(leaves, BLOCK_BY_BLOCK)
    source, out, entries = Dripping(data), io.BytesIO(), io.BytesIO()
    car.read_car(source, leaves.root, leaves.shape, out, entries)
    assert (out.getvalue(), entries.getvalue(), source.given) == (data, index, len(data))
