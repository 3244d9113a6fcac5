"""Computes in advance what convicting a proposal takes: calls, calldata, gas. All functions are pure. The bounds are
for the calls of `contracts/Disputes.sol`. Tests compare them with gas measured on a chain (docs/gas.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fedprotocol.chain.abi import WORD
from fedprotocol.errors import FedError
from fedprotocol.tree import path_length

from fedaggregator.rules.base import Rule
from fedaggregator.rules.limits import MAX_CALLDATA

SUMS_IN_MEMORY = 4
"""How many copies of the sums Disputes has in memory at once: those that the call starts from, those that it holds, and
two of what the rule returns."""


class CallTooLarge(FedError):
    """Not even one more update fits into a call, or the proof alone does not fit."""


@dataclass(frozen=True)
class Limits:
    """The limits of one call, and upper bounds of the gas of its parts."""

    calldata: int = MAX_CALLDATA  # bytes
    gas: int = 2**24  # EIP-7825
    gas_fixed: int = 600_000  # for the coordinator's state, the conviction, and memory without the sums
    gas_update: int = 25_000
    gas_sibling: int = 1_000
    gas_global_word: int = 10  # to hash and copy 32 bytes of a global's leaf


@dataclass(frozen=True)
class CallSize:
    """One call, which starts from sums over `start` updates and adds `updates` more. If `final`, it proves the case.
    `calldata`: the exact number of bytes. `gas`: an upper bound.
    """

    start: int
    updates: int
    final: bool
    calldata: int
    gas: int


@dataclass(frozen=True)
class CaseSize:
    """Everything on which the cost of a case depends. `updates`: the number of accepted updates. `values`: the number
    of values in a leaf (K), of `bits` bits each. `siblings`: the length of the leaf's path in an update.
    `prior_siblings`: the length of the path of each part of the leaf in a global, none if no global is opened (an
    impeachment). `part`: the part that is wrong.
    """

    rule: Rule
    updates: int
    values: int
    bits: int
    siblings: int
    prior_siblings: tuple[int, ...]
    part: int = 0

    @classmethod
    def largest(cls, rule: Rule, clients: int, values: int, bits: int, leaf_count: int) -> CaseSize:
        """The dearest case that can be needed in a federation: an update from every client, and a leaf with the longest
        path."""
        longest = (leaf_count * rule.parts - 1).bit_length()
        return cls(rule, clients, values, bits, (leaf_count - 1).bit_length(), (longest,) * rule.parts)

    @classmethod
    def at_leaf(cls, rule: Rule, updates: int, values: int, bits: int, leaf_count: int, leaf: int) -> CaseSize:
        """The case by `leaf` of a global, which has `rule.parts` leaves for each of the `leaf_count` of an update."""
        part, own = divmod(leaf, leaf_count)
        in_global = leaf_count * rule.parts
        prior = tuple(path_length(in_global, index) for index in range(own, in_global, leaf_count))
        return cls(rule, updates, values, bits, path_length(leaf_count, own), prior, part)

    def describe(self) -> str:
        """What all calls of the case take, from the beginning."""
        try:
            calls = list(self.calls())
        except CallTooLarge as error:
            return f"more than the limits let through: {error}"
        return describe_cost(
            len(calls), sum(call.calldata for call in calls), sum(call.gas for call in calls), bound=True
        )

    def calls(self, start: int = 0, limits: Limits | None = None) -> Iterator[CallSize]:
        """All calls from sums over `start` updates to the last one, each as large as the limits allow.

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
        """The call after sums over `start` updates: the last one if it fits, otherwise a call that carries as many
        updates as fit.

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
        """Calldata and gas of one call. Calldata costs 16 gas a byte in addition to execution. If 40 gas a byte is more
        than both together, that is the price (EIP-7623)."""
        limits = limits or Limits()
        size = self._calldata(start, updates, final)
        work = updates * (limits.gas_update + limits.gas_sibling * self.siblings)
        work += self.rule.gas_bound(updates, self.values, self.bits, start, final)
        work += _gas_of_memory(SUMS_IN_MEMORY * self._sums_bytes(start + updates))
        if final:
            # `gas_fixed` includes the claimed part's path and the first part of the prior leaf.
            work += sum(limits.gas_sibling * s + limits.gas_global_word * self.values for s in self.prior_siblings[1:])
        gas = limits.gas_fixed + max(40 * size, 16 * size + work)
        return CallSize(start, updates, final, size, gas)

    def _calldata(self, start: int, updates: int, final: bool) -> int:
        words = 2 + 5 + 4 + (1 + updates)  # coordinator, offset; the step's head; sums and updates without contents
        size = 4 + words * WORD + _padded(self._sums_bytes(start))
        size += updates * self._opening(self.bits, self.siblings)
        if final and self.prior_siblings:
            size += (5 + 1 + self.prior_siblings[self.part]) * WORD  # the proof's head, the claimed path
            size += (1 + len(self.prior_siblings)) * WORD + sum(self._opening(32, s) for s in self.prior_siblings)
        return size

    def _sums_bytes(self, updates: int) -> int:
        return self.rule.sums_bytes(updates, self.values, self.bits) if updates else 0

    def _opening(self, bits: int, siblings: int) -> int:
        """The size without the word that says where it begins."""
        return (4 + siblings) * WORD + _padded(self.values * bits // 8)


def describe_cost(calls: int, calldata: int, gas: int, bound: bool) -> str:
    """What a whole case takes. `calldata` is in bytes. `bound`: whether `gas` is an upper bound."""
    most = "at most " if bound else ""
    return f"{calls} call{'s' if calls != 1 else ''}, {calldata:,} bytes of calldata, {most}{gas:,} gas"


def _gas_of_memory(size: int) -> int:
    """What an execution pays for `size` bytes of memory (C_mem of the Yellow Paper), and for copying them once."""
    words = _padded(size) // WORD
    return 6 * words + words**2 // 512


def _padded(length: int) -> int:
    return -(-length // WORD) * WORD
