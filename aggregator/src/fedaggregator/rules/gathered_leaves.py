"""The partial sums of a rule that needs the values of all updates at once: their leaves, one after the other.

Every update has a row in each leaf: a header of 32 bytes, which is the word `bits << 40 | weight << 8 | shift`, and
then its mantissas as they are. It is the same form as in `contracts/libraries/GatheredLeaves.sol`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from fedprotocol.numbers import MANTISSA_BITS
from fedprotocol.types import MAX_WEIGHT
from numpy.typing import NDArray

from fedaggregator.rules.base import RuleError, Sums
from fedaggregator.rules.limits import MAX_CALLDATA, check_update

HEADER = 32
"""Bytes of a row before its mantissas."""
MOST = 256
"""Rows."""

_REST = 2_052  # beside the rows and the prior leaf, in a challenge with paths of 20 digests, the longest there are


class Rows(NamedTuple):
    """What `read` found. n updates, `leaves` leaves of K values each.

    `mantissas`: int8 or int16 [n, leaves, K]. `weights`: int64 [n]. `shifts`: int64 [n].
    """

    mantissas: NDArray[np.signedinteger[Any]]
    weights: NDArray[np.int64]
    shifts: NDArray[np.int64]


def append(sums: Sums | None, mantissas: NDArray[np.signedinteger[Any]], weight: int, shift: int) -> Sums:
    """One more update at the end of `sums`: what `Rule.accumulate` returns.

    Args:
        sums: what this function returned before, or None at first.
        mantissas: int8 or int16 [leaves, K], K a multiple of 32.
        weight: the client's weight, below 2^20.
        shift: a value is `mantissa * 2^shift` units; `shift + bits <= 31`.

    Returns:
        int8 or int16 [n, leaves, H + K] with the H = 32 / (bits / 8) elements of the header. `[:, leaf]` written
        big-endian is what the contract returns for this leaf.

    Raises:
        RuleError: a shape, dtype, weight or shift that the protocol does not allow.
    """
    check_update(mantissas, weight, shift)
    if mantissas.size == 0 or mantissas.shape[1] % 32:
        raise RuleError(f"a leaf has a multiple of 32 values, the mantissas are {list(mantissas.shape)}")
    bits = 8 * mantissas.dtype.itemsize
    header = _header(bits, weight, shift)
    leaves, values = mantissas.shape
    if sums is not None and (sums.dtype != mantissas.dtype or sums.shape[1:] != (leaves, header.size + values)):
        raise RuleError(
            f"the sums are {sums.dtype}{list(sums.shape)}, and cannot take mantissas of "
            f"{mantissas.dtype}{list(mantissas.shape)}"
        )
    count = 0 if sums is None else len(sums)
    result = np.empty((count + 1, leaves, header.size + values), mantissas.dtype)
    if sums is not None:
        result[:count] = sums
    result[count, :, : header.size] = header
    result[count, :, header.size :] = mantissas
    return result


def read(sums: Sums, leaves: int, leaf_values: int) -> Rows:
    """What `sums` hold of each update, without a copy of the mantissas.

    Args:
        sums: what `append` returned for 1 .. 256 updates.
        leaves: the number of leaves.
        leaf_values: K, the number of values in a leaf.

    Raises:
        RuleError: another shape or dtype, or a header that `append` does not write.
    """
    if sums.dtype not in (np.int8, np.int16):
        raise RuleError(f"gathered leaves are int8 or int16, not {sums.dtype}")
    bits, size = 8 * sums.dtype.itemsize, HEADER // sums.dtype.itemsize
    if sums.ndim != 3 or len(sums) == 0 or sums.shape[1:] != (leaves, size + leaf_values):
        raise RuleError(f"the sums are {list(sums.shape)}, not [updates, {leaves}, {size} + {leaf_values}]")
    if len(sums) > MOST:
        raise RuleError(f"the sums are of {len(sums)} updates, and a round has {MOST} at most")
    words = [int.from_bytes(row.astype(row.dtype.newbyteorder(">")).tobytes(), "big") for row in sums[:, 0, :size]]
    for index, word in enumerate(words):
        weight, shift = word >> 8 & 0xFFFFFFFF, word & 0xFF
        fits = word >> 40 == bits and weight <= MAX_WEIGHT and shift + bits <= 31
        if not fits or (sums[index, :, :size] != sums[index, 0, :size]).any():
            raise RuleError(f"row {index} of the sums has a header that says {word:#x}")
    weights = np.array([word >> 8 & 0xFFFFFFFF for word in words], np.int64)
    return Rows(sums[:, :, size:], weights, np.array([word & 0xFF for word in words], np.int64))


def sums_bytes(updates: int, leaf_values: int, bits: int) -> int:
    """The length in bytes of the gathered rows of one leaf; see `Rule.sums_bytes`."""
    return updates * (HEADER + leaf_values * bits // 8)


def most_updates(leaf_values: int, bits: int) -> int:
    """How many updates fit in the calldata of a challenge that starts from the sums of all of them; 256 at most, and
    none of masked values, which have 32 bits."""
    if bits > max(MANTISSA_BITS):
        return 0
    taken = _REST + 4 * leaf_values
    return min(MOST, max(0, (MAX_CALLDATA - taken) // (HEADER + leaf_values * bits // 8)))


def gas_bound(updates: int, leaf_values: int, bits: int, start: int) -> int:
    """An upper bound of the gas for appending `updates` rows after `start` rows, which are copied with each of them."""
    row = sums_bytes(1, leaf_values, bits)
    return 3_000 * updates + row * (updates * start + updates * (updates + 1) // 2)


def _header(bits: int, weight: int, shift: int) -> NDArray[np.signedinteger[Any]]:
    """As elements of `bits` bits, native order."""
    word = (bits << 40 | weight << 8 | shift).to_bytes(HEADER, "big")
    return np.frombuffer(word, f">i{bits // 8}").astype(f"i{bits // 8}")
