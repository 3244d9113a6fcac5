"""The integers a federation computes in: int32 globals, 8- or 16-bit mantissas with one shift, exact rounding.

One real value is 2^24 units. Stochastic rounding keeps a quantised delta unbiased: Gupta et al. 2015,
"Deep Learning with Limited Numerical Precision".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedprotocol.errors import FedError

UNIT = 2.0**-24
"""The real value of one unit."""

MANTISSA_BITS = (8, 16)
SHIFT_LIMIT = 31
"""`shift + bits` of an update is at most this, so that every decoded value is an int32."""

MIN_LEAVES = 2
"""The smallest tree: a root links two children."""

_INT32 = np.iinfo(np.int32)
_WIDTHS = (8, 16, 32, 64)
_WINDOW = 1 << 18  # values encoded at a time, so that the float64 in between stay small


class NumbersError(FedError):
    """Values that no valid update or global can have."""


@dataclass(frozen=True)
class EncodedDelta:
    """A delta as it travels: element j is `mantissas[j] * 2^shift` units.

    `clipped` counts the elements that did not fit and were set to the nearest mantissa.
    """

    mantissas: NDArray[np.int8 | np.int16]
    shift: int
    clipped: int


def quantize_global(values: NDArray[np.float32]) -> NDArray[np.int32]:
    """Real values to int32 units, nearest, halves to even.

    Raises NumbersError if one is NaN, infinite or outside [-128, 128).
    """
    units = np.rint(np.asarray(values, dtype=np.float64) / UNIT)
    _refuse_non_finite(units, "the adapter")
    outside = (units < _INT32.min) | (units > _INT32.max)
    if outside.any():
        at = int(np.flatnonzero(outside)[0])
        raise NumbersError(
            f"{int(outside.sum())} adapter values do not fit an int32 of unit 2^-24 (first at {at}: "
            f"{float(np.ravel(values)[at])!r}); they must lie in [-128, 128)"
        )
    return units.astype(np.int32)


def dequantize_global(units: NDArray[np.int32]) -> NDArray[np.float32]:
    """int32 units to real values; exact below 1.0, else rounded to the nearest float32."""
    return (units.astype(np.float64) * UNIT).astype(np.float32)


def delta_units(values: NDArray[np.float32], prior: NDArray[np.int32]) -> NDArray[np.float64]:
    """What training changed, in units: trained real `values` minus the `prior` global (same shape).

    Raises NumbersError on NaN, infinities or another shape.
    """
    if values.shape != prior.shape:
        raise NumbersError(f"the trained adapter has shape {values.shape}, the prior global {prior.shape}")
    _refuse_non_finite(values, "the trained adapter")
    return np.asarray(values, dtype=np.float64) / UNIT - prior


def encode_delta(
    units: NDArray[np.float64], bits: int, rng: np.random.Generator, shift: int | None = None
) -> EncodedDelta:
    """Round a delta to mantissas of `bits` bits, stochastically: the expectation of every element is kept.

    Without `shift`, the smallest one is taken for which max|units| fits; a delta too large even for the largest shift,
    or for the `shift` given, is clipped and the clipped elements are counted. Raises NumbersError on NaN or infinities.
    """
    check_shift(bits, 0 if shift is None else shift)
    _refuse_non_finite(units, "the delta")
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    if shift is None:
        peak = max(float(units.max(initial=0.0)), -float(units.min(initial=0.0)))
        largest = SHIFT_LIMIT - bits
        shift = next((s for s in range(largest) if peak <= float(high << s)), largest)
    mantissas, clipped = np.empty(units.shape, dtype=_signed(bits)), 0
    source, target = units.reshape(-1), mantissas.reshape(-1)
    for at in range(0, source.size, _WINDOW):
        scaled = np.ldexp(source[at : at + _WINDOW], -shift)
        clipped += int(np.count_nonzero((scaled < low) | (scaled > high)))
        floor = np.floor(scaled)
        floor += rng.random(scaled.size) < scaled - floor
        target[at : at + _WINDOW] = np.clip(floor, low, high)
    return EncodedDelta(mantissas=mantissas, shift=shift, clipped=clipped)


def decode_delta(mantissas: NDArray[np.int8 | np.int16], shift: int) -> NDArray[np.int64]:
    """The units that mantissas stand for. Raises NumbersError on another dtype or a shift out of range."""
    check_shift(mantissas.dtype.itemsize * 8 if mantissas.dtype.kind == "i" else 0, shift)
    return mantissas.astype(np.int64) << shift


def check_shift(bits: int, shift: int) -> None:
    """Raise NumbersError unless `bits` is 8 or 16 and `0 <= shift <= 31 - bits`."""
    if bits not in MANTISSA_BITS:
        raise NumbersError(f"mantissas have 8 or 16 bits, not {bits}")
    if not 0 <= shift <= SHIFT_LIMIT - bits:
        raise NumbersError(f"a shift of {shift} is out of range: 0 to {SHIFT_LIMIT - bits} for {bits}-bit mantissas")


def divide_round(a: NDArray[np.int64], b: int) -> NDArray[np.int64]:
    """R(a, b) = sign(a) * floor((2|a| + b) / 2b): division, rounded to the nearest integer, halves away from zero.

    Exact for every int64 `a` and `1 <= b < 2^63`. Raises NumbersError for another `b`.
    """
    if not 0 < b < 1 << 63:
        raise NumbersError(f"cannot divide by {b}: the divisor must be in 1 .. 2^63 - 1")
    # Computing without sign, and comparing the half with the remainder, cannot overflow, not even for |-2^63|.
    magnitude = np.abs(a).view(np.uint64)
    divisor = np.uint64(b)
    quotient = magnitude // divisor
    magnitude -= quotient * divisor  # from here on `a` is the remainder
    quotient += magnitude >= divisor - magnitude
    result: NDArray[np.int64] = quotient.view(np.int64) * np.sign(a)
    return result


def to_bytes(values: NDArray[np.integer[Any]]) -> bytes:
    """Signed integers of 8, 16, 32 or 64 bits as big-endian bytes."""
    if values.dtype.kind != "i":
        raise NumbersError(f"only signed integers are written, not {values.dtype}")
    return values.astype(values.dtype.newbyteorder(">"), copy=False).tobytes()


def from_bytes(data: bytes | memoryview, bits: int) -> NDArray[Any]:
    """Big-endian bytes to signed integers of `bits` bits (native order); those of 8 bits are not copied. Raises
    NumbersError on a cut-off value."""
    dtype = _signed(bits)
    if len(data) % dtype.itemsize:
        raise NumbersError(f"{len(data)} bytes are not a whole number of {bits}-bit values")
    return np.frombuffer(data, dtype=dtype.newbyteorder(">")).astype(dtype, copy=False)


def leaf_count(value_count: int, leaf_values: int) -> int:
    """How many leaves of `leaf_values` values hold `value_count` values; at least two."""
    return max(MIN_LEAVES, -(-value_count // leaf_values))


def split_leaves(values: NDArray[np.integer[Any]], leaf_values: int) -> list[bytes]:
    """Cut a vector into big-endian leaves of `leaf_values` values, the end zero-padded; at least two leaves."""
    if values.ndim != 1 or leaf_values < 1:
        raise NumbersError(f"leaves are cut from a vector, not from shape {values.shape} by {leaf_values}")
    data = to_bytes(values)
    size = leaf_values * values.dtype.itemsize
    padded = data.ljust(leaf_count(values.size, leaf_values) * size, b"\0")
    return [padded[at : at + size] for at in range(0, len(padded), size)]


def join_leaves(leaves: Iterable[bytes], bits: int, value_count: int, zero_padding: bool = True) -> NDArray[Any]:
    """The `value_count` values of `bits` bits that `split_leaves` cut.

    Raises NumbersError if the leaves differ in size, are too few or too many, or, with `zero_padding`, if the padding
    is not zero. Without it the padding is not looked at: in a masked federation a site can add to it unseen.
    """
    width = _signed(bits).itemsize
    data, sizes, count = bytearray(), set[int](), 0
    for leaf in leaves:
        data += leaf
        sizes.add(len(leaf))
        count += 1
    size = sizes.pop() if len(sizes) == 1 else 0
    if size == 0 or size % width:
        raise NumbersError(f"leaves must all have the same number of {bits}-bit values")
    expected = leaf_count(value_count, size // width)
    if count != expected:
        raise NumbersError(f"{value_count} values of {bits} bits stand in {expected} leaves, not in {count}")
    if zero_padding and any(data[value_count * width :]):
        raise NumbersError("the padding after the last value is not zero")
    return from_bytes(bytes(data[: value_count * width]), bits)


def _signed(bits: int) -> np.dtype[Any]:
    if bits not in _WIDTHS:
        raise NumbersError(f"integers have 8, 16, 32 or 64 bits, not {bits}")
    return np.dtype(f"i{bits // 8}")


def _refuse_non_finite(values: NDArray[np.floating[Any]], what: str) -> None:
    bad = ~np.isfinite(values)
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise NumbersError(
            f"{what} holds {int(bad.sum())} values that are NaN or infinite (first at {at}): "
            "training diverged; lower the learning rate"
        )
