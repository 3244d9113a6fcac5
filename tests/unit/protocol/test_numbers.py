"""The integer arithmetic against Python's own integers and fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from fedprotocol import numbers
from fedprotocol.numbers import NumbersError
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

INT64 = st.integers(-(2**63), 2**63 - 1)


def rounded(a: int, b: int) -> int:
    """R(a, b), as docs/protocol.md writes it, in unbounded integers."""
    magnitude = (2 * abs(a) + b) // (2 * b)
    return magnitude if a >= 0 else -magnitude


@given(st.lists(INT64, min_size=1, max_size=20), st.integers(1, 2**63 - 1))
def test_divide_round_is_exact_on_all_of_int64(values: list[int], divisor: int) -> None:
    got = numbers.divide_round(np.array(values, dtype=np.int64), divisor)
    assert got.tolist() == [rounded(a, divisor) for a in values]


@pytest.mark.parametrize("a", [-(2**63), 2**63 - 1, -3, -1, 0, 1, 3])
@pytest.mark.parametrize("b", [1, 2, 2**62, 2**63 - 1])
def test_divide_round_at_the_edges(a: int, b: int) -> None:
    assert int(numbers.divide_round(np.array([a], dtype=np.int64), b)[0]) == rounded(a, b)


def test_halves_go_away_from_zero() -> None:
    assert numbers.divide_round(np.array([1, -1, 3, -3, 5], dtype=np.int64), 2).tolist() == [1, -1, 2, -2, 3]


@pytest.mark.parametrize("divisor", [0, -1, 2**63])
def test_divide_round_refuses_other_divisors(divisor: int) -> None:
    with pytest.raises(NumbersError, match="divisor"):
        numbers.divide_round(np.zeros(1, dtype=np.int64), divisor)


@pytest.mark.parametrize("bits", [8, 16])
def test_the_sum_of_a_full_federation_fits_int64(bits: int) -> None:
    """256 clients of the largest weight, all at the limit: |S| < 2^59, and int64 holds every step of the mean."""
    clients, weight, shift = 256, 2**20 - 1, 31 - bits
    for mantissa in (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1):
        exact = clients * (weight << shift) * mantissa
        assert abs(exact) < 2**59
        sums = np.zeros(1, dtype=np.int64)
        for _ in range(clients):
            sums += np.array([mantissa], dtype=np.int64) * (weight << shift)
        assert int(sums[0]) == exact
        mean = numbers.divide_round(sums, clients * weight)
        assert int(mean[0]) == mantissa << shift
        step = numbers.divide_round(mean * 2**17, 2**16)
        assert int(step[0]) == (mantissa << shift) * 2


@given(hnp.arrays(np.int32, st.integers(1, 30), elements=st.integers(-(2**24), 2**24)))
def test_globals_survive_the_way_to_real_values_and_back(units: np.ndarray) -> None:
    assert numbers.quantize_global(numbers.dequantize_global(units)).tolist() == units.tolist()


@given(st.floats(-128, 127.5, width=32))
def test_quantize_global_takes_the_nearest_unit(value: float) -> None:
    unit = int(numbers.quantize_global(np.array([value], dtype=np.float32))[0])
    assert abs(Fraction(value) * 2**24 - unit) <= Fraction(1, 2)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 128.0, -128.1, 3e38])
def test_quantize_global_refuses_what_no_global_holds(value: float) -> None:
    values = np.zeros((2, 3), dtype=np.float32)
    values[1, 0] = value
    with pytest.raises(NumbersError, match="first at 3"):
        numbers.quantize_global(values)


def test_the_extremes_of_int32_are_globals() -> None:
    assert numbers.quantize_global(np.array([-128.0], dtype=np.float32)).tolist() == [-(2**31)]
    below = np.nextafter(np.float32(128), np.float32(0))
    assert numbers.quantize_global(np.array([below])).tolist() == [2**31 - 128]


def test_delta_units_is_the_exact_difference() -> None:
    prior = np.array([5, -7, 2**24], dtype=np.int32)
    trained = numbers.dequantize_global(np.array([8, -7, 2**23], dtype=np.int32))
    assert numbers.delta_units(trained, prior).tolist() == [3, 0, 2**23 - 2**24]


def test_delta_units_never_broadcasts() -> None:
    with pytest.raises(NumbersError, match="shape"):
        numbers.delta_units(np.zeros((1, 4), dtype=np.float32), np.zeros((8, 4), dtype=np.int32))
    with pytest.raises(NumbersError, match="NaN"):
        numbers.delta_units(np.array([np.nan], dtype=np.float32), np.zeros(1, dtype=np.int32))


@given(
    hnp.arrays(np.float64, st.integers(1, 40), elements=st.floats(-(2.0**30), 2.0**30)),
    st.sampled_from([8, 16]),
    st.integers(0, 2**32),
)
def test_encoding_errs_by_less_than_one_step(units: np.ndarray, bits: int, seed: int) -> None:
    encoded = numbers.encode_delta(units, bits, np.random.default_rng(seed))
    step, limit = 1 << encoded.shift, (1 << (bits - 1)) - 1
    assert encoded.mantissas.dtype == np.dtype(f"i{bits // 8}")
    assert encoded.shift + bits <= 31
    peak = float(np.max(np.abs(units)))
    if peak <= limit << (31 - bits):
        assert encoded.clipped == 0
        assert np.all(np.abs(numbers.decode_delta(encoded.mantissas, encoded.shift) - units) < step)
        assert encoded.shift == 0 or peak > limit * (step >> 1)  # the smallest shift that holds it
    else:
        assert encoded.clipped == int(np.count_nonzero((units > limit * step) | (units < -(limit + 1) * step)))


@pytest.mark.parametrize("bits", [8, 16])
def test_stochastic_rounding_keeps_the_mean(bits: int) -> None:
    """Over many draws the mean of every element comes back within 5 standard errors; an integer comes back itself."""
    draws, rng = 40_000, np.random.default_rng(7)
    units = np.array([0.25, -0.25, 3.5, -3.5, 0.01, 5.0, -128.0 if bits == 8 else -32768.0])
    repeated = numbers.encode_delta(np.tile(units, (draws, 1)), bits, rng, shift=0)
    decoded = numbers.decode_delta(repeated.mantissas, 0)
    assert np.all(np.abs(decoded.mean(axis=0) - units) <= 5 * 0.5 / np.sqrt(draws))
    assert np.all(decoded[:, 5:] == units[5:])
    assert repeated.clipped == 0


def test_a_long_delta_is_encoded_like_a_short_one() -> None:
    """Longer than the window that is encoded at a time, and not a multiple of it."""
    units = np.random.default_rng(1).normal(0, 1e4, (3, 100_001))
    units[2, -1] = 1e9
    encoded = numbers.encode_delta(units, 8, np.random.default_rng(2), shift=10)
    decoded = numbers.decode_delta(encoded.mantissas, 10)
    assert np.all(np.abs(decoded - units).ravel()[:-1] < 2**10)
    assert (encoded.clipped, int(encoded.mantissas[2, -1])) == (1, 127)


def test_clipping_is_counted() -> None:
    encoded = numbers.encode_delta(
        np.array([127.0, 127.6, -128.0, -129.0, 1e300]), 8, np.random.default_rng(0), shift=0
    )
    assert encoded.mantissas.tolist() == [127, 127, -128, -128, 127]
    assert encoded.clipped == 3
    huge = numbers.encode_delta(np.array([1e300, 0.0]), 8, np.random.default_rng(0))
    assert (huge.mantissas.tolist(), huge.shift, huge.clipped) == ([127, 0], 23, 1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_delta_that_is_not_finite_is_refused(bad: float) -> None:
    with pytest.raises(NumbersError, match="diverged"):
        numbers.encode_delta(np.array([0.0, bad]), 8, np.random.default_rng(0))


@pytest.mark.parametrize(("bits", "shift"), [(8, 24), (16, 16), (8, -1), (32, 0), (0, 0)])
def test_a_shift_out_of_range_is_refused(bits: int, shift: int) -> None:
    with pytest.raises(NumbersError):
        numbers.encode_delta(np.zeros(2), bits, np.random.default_rng(0), shift=shift)


def test_decoding_refuses_other_types_and_shifts() -> None:
    for mantissas in (np.zeros(2, dtype=np.uint8), np.zeros(2, dtype=np.int32), np.zeros(2, dtype=np.float32)):
        with pytest.raises(NumbersError):
            numbers.decode_delta(mantissas, 0)
    with pytest.raises(NumbersError):
        numbers.decode_delta(np.zeros(2, dtype=np.int8), 24)


@pytest.mark.parametrize("bits", [8, 16, 32, 64])
def test_bytes_are_big_endian_twos_complement(bits: int) -> None:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    values = np.array([0, 1, -1, low, high], dtype=f"i{bits // 8}")
    data = numbers.to_bytes(values)
    assert data == b"".join(int(v).to_bytes(bits // 8, "big", signed=True) for v in values)
    back = numbers.from_bytes(data, bits)
    assert back.tolist() == values.tolist()
    assert back.dtype == values.dtype


def test_bytes_refuse_what_is_cut_off_or_unsigned() -> None:
    with pytest.raises(NumbersError, match="whole number"):
        numbers.from_bytes(b"\0" * 7, 32)
    with pytest.raises(NumbersError, match="bits"):
        numbers.from_bytes(b"\0" * 3, 24)
    with pytest.raises(NumbersError, match="signed"):
        numbers.to_bytes(np.zeros(1, dtype=np.uint32))


@settings(max_examples=50)
@given(st.integers(1, 500), st.sampled_from([8, 16, 32]), st.sampled_from([1, 32, 64]))
def test_leaves_join_to_what_was_split(count: int, bits: int, leaf_values: int) -> None:
    rng = np.random.default_rng(count)
    values = rng.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), count).astype(f"i{bits // 8}")
    leaves = numbers.split_leaves(values, leaf_values)
    assert len(leaves) == numbers.leaf_count(count, leaf_values) >= 2
    assert {len(leaf) for leaf in leaves} == {leaf_values * bits // 8}
    assert numbers.join_leaves(iter(leaves), bits, count).tolist() == values.tolist()


def test_joining_refuses_padding_and_other_counts() -> None:
    leaves = numbers.split_leaves(np.arange(1, 41, dtype=np.int16), 32)
    dirty = [leaves[0], leaves[1][:-1] + b"\x01"]
    with pytest.raises(NumbersError, match="padding"):
        numbers.join_leaves(dirty, 16, 40)
    for wrong, count in (
        (leaves[:1], 40),
        ([*leaves, leaves[0]], 40),
        (leaves, 65),
        (leaves, 200),
        ([leaves[0], leaves[1][:-2]], 40),
        ([leaves[0], leaves[1][:-1]], 40),
        ([], 40),
        ([b"", b""], 40),
    ):
        with pytest.raises(NumbersError):
            numbers.join_leaves(wrong, 16, count)


def test_padding_is_looked_at_where_somebody_answers_for_it() -> None:
    leaves = numbers.split_leaves(np.arange(64, dtype=np.int32), 32)
    assert numbers.join_leaves(leaves, 32, 60, zero_padding=False).tolist() == list(range(60))
    with pytest.raises(NumbersError, match="padding"):
        numbers.join_leaves(leaves, 32, 60)
