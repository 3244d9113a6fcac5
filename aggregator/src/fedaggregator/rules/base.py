"""What an aggregation rule is: the NumPy half of a pair whose Solidity half implements `IAggregationRule`."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from fedprotocol.errors import FedError
from numpy.typing import NDArray

Sums = NDArray[np.signedinteger[Any]]
"""A rule's partial sums; big-endian and in C order they are the bytes that its contract makes of the same updates."""


class RuleError(FedError):
    """The arguments lie outside what the rule is defined for; the message names the one that does."""


class Rule(Protocol):
    """Partial sums first, then the finished leaf: the same two steps as on-chain, on any number of values at once.

    A global has `parts` values for each value of an update: its weight, and state that the rule keeps beside it.
    """

    @property
    def name(self) -> str:
        """What the Solidity twin's `name()` returns."""

    @property
    def contract(self) -> str:
        """The Solidity twin's own name, as `brownie run deploy` finds it."""

    @property
    def parts(self) -> int:
        """Leaves of a global for each leaf of an update; the first are the weights, the others zero at genesis."""

    def max_clients(self, leaf_values: int, bits: int) -> int:
        """Most updates for which a leaf of `leaf_values` mantissas of `bits` bits can be proved in a transaction."""

    def sums_bytes(self, updates: int, leaf_values: int) -> int:
        """Length of a leaf's partial sums over `updates` of them, at least one."""

    def gas_bound(self, updates: int, leaf_values: int, bits: int, start: int, final: bool) -> int:
        """Upper bound of what the contract's calls take for one leaf: `updates` more after `start`, and `finish` if
        `final`."""

    def accumulate(self, sums: Sums | None, mantissas: NDArray[np.signedinteger[Any]], weight: int, shift: int) -> Sums:
        """Add one client's mantissas to `sums`, which may be changed.

        Args:
            sums: as this method returned them, or None: there are none yet.
            mantissas: int8 or int16 [n], the whole two's-complement range.
            weight: the client's weight, below 2^20.
            shift: a value is `mantissa * 2^shift` units; `shift + bits <= 31`.

        Raises:
            RuleError: a length, dtype, weight or shift that the protocol does not allow. Nothing is broadcast.
        """

    def finish(self, sums: Sums, prior: NDArray[np.int32], total_weight: int, server_lr: int) -> NDArray[np.int32]:
        """Apply finished sums to the prior global.

        Args:
            sums: over all accepted updates, n values.
            prior: int32 [parts * n], units of 2^-24, one part after the other.
            total_weight: the accepted weight, at least 1.
            server_lr: 1 .. 2^17, unit 2^-16.

        Returns:
            int32 [parts * n], the next global, likewise.

        Raises:
            RuleError: lengths that differ, no weight, a server_lr out of range, or sums no updates of that weight have.
        """
