"""What convicting a proposal takes, before anybody has to: calls, calldata, gas. Pure.

The bounds are of the calls of `contracts/Disputes.sol`; tests hold them to the gas measured on a chain (docs/gas.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fedprotocol.errors import FedError

WORD = 32


class CallTooLarge(FedError):
    """Not even one more update fits a call, or not the proof alone."""


@dataclass(frozen=True)
class Limits:
    """What one call may take, and upper bounds of what its parts cost."""

    calldata: int = 127 * 1024  # bytes; a node's pool takes transactions of 128 KiB
    gas: int = 2**24  # EIP-7825
    gas_fixed: int = 600_000  # the coordinator's state, the conviction, memory
    gas_update: int = 25_000
    gas_sibling: int = 1_000
    gas_value: int = 60  # to add a mantissa
    gas_value_finished: int = 300  # to finish a value


@dataclass(frozen=True)
class CallSize:
    """One call: sums over `start` updates in, `updates` more added; the challenge itself if `final`.

    `calldata`: bytes, exactly as the ABI encodes it. `gas`: an upper bound.
    """

    start: int
    updates: int
    final: bool
    calldata: int
    gas: int


@dataclass(frozen=True)
class CaseSize:
    """All that the cost of a case depends on: accepted updates, values of a leaf (K), bits of a mantissa, siblings on
    the path of its leaf."""

    updates: int
    values: int
    bits: int
    siblings: int

    @classmethod
    def largest(cls, clients: int, values: int, bits: int, leaf_count: int) -> CaseSize:
        """The dearest case that a federation can come to: an update of every client, a leaf with the longest path."""
        return cls(clients, values, bits, (leaf_count - 1).bit_length())

    def calls(self, start: int = 0, limits: Limits | None = None) -> Iterator[CallSize]:
        """Every call from sums over `start` updates to the challenge, each as large as the limits let it be.

        Raises:
            CallTooLarge: see there.
        """
        while True:
            call = self.next_call(start, limits)
            yield call
            if call.final:
                return
            start += call.updates

    def next_call(self, start: int, limits: Limits | None = None) -> CallSize:
        """The call after sums over `start` updates: the challenge if it fits, else as much as one call carries.

        Raises:
            CallTooLarge: see there.
        """
        limits = limits or Limits()
        left = self.updates - start
        for updates, final in ((left, True), *((n, False) for n in range(left, 0, -1))):
            call = self.call(start, updates, final, limits)
            if call.calldata <= limits.calldata and call.gas <= limits.gas:
                return call
        raise CallTooLarge(
            f"neither the proof nor one more update of {self.values} values fits a call: raise the limits of "
            f"{limits.calldata} bytes and {limits.gas} gas"
        )

    def call(self, start: int, updates: int, final: bool, limits: Limits | None = None) -> CallSize:
        """Calldata and gas of one call. Calldata costs 16 gas a byte beside execution, or 40 if that is more
        (EIP-7623)."""
        limits = limits or Limits()
        size = self._calldata(start, updates, final)
        update = limits.gas_update + limits.gas_sibling * self.siblings + limits.gas_value * self.values
        finish = limits.gas_value_finished * self.values if final else 0
        gas = limits.gas_fixed + max(40 * size, 16 * size + updates * update + finish)
        return CallSize(start, updates, final, size, gas)

    def _calldata(self, start: int, updates: int, final: bool) -> int:
        words = 2 + 5 + 4 + (1 + updates)  # coordinator, offset; the step's head; sums and updates without contents
        size = 4 + words * WORD + (_padded(8 * self.values) if start else 0)
        size += updates * self._opening(self.bits)
        if final:
            size += (4 + 1 + self.siblings) * WORD + self._opening(32)
        return size

    def _opening(self, bits: int) -> int:
        return (4 + self.siblings) * WORD + _padded(self.values * bits // 8)


def _padded(length: int) -> int:
    return -(-length // WORD) * WORD
