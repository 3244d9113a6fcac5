"""The interface of an aggregation rule in NumPy. Each rule also has a Solidity version, which implements
`IAggregationRule`."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from fedprotocol.errors import FedError
from numpy.typing import NDArray

Sums = NDArray[np.signedinteger[Any]]
"""A rule's partial sums over some updates, [..., leaves, row]. The last K elements of a row belong to the K values of
the leaf. The sums of one leaf, written big-endian and in C order, are the bytes that the contract computes from the
same updates."""


class RuleError(FedError):
    """An argument lies outside the range for which the rule is defined. The message names it."""


class Rule(Protocol):
    """Computes partial sums first, and then the finished leaves, in the same two steps as the contract, for any number
    of leaves at once. No leaf's result depends on another leaf: a proof opens one of them.

    A global has `parts` values for each value of an update: the weight, and state that the rule keeps.
    """

    @property
    def name(self) -> str:
        """What `name()` of the Solidity version returns."""

    @property
    def summary(self) -> str:
        """What it makes of the updates, in one sentence for the people of a federation."""

    @property
    def contract(self) -> str:
        """The name of the Solidity contract, by which a deployment finds it."""

    @property
    def bits(self) -> tuple[int, ...]:
        """Which widths the values of its updates may have."""

    @property
    def parameters(self) -> tuple[int, ...]:
        """What the constructor of its contract takes. Raises RuleError if it takes something and that is not known."""

    @property
    def parts(self) -> int:
        """How many leaves of a global belong to each leaf of an update. The first part is the weights; the others are
        zero at genesis."""

    def max_clients(self, leaf_values: int, bits: int) -> int:
        """The most updates for which a leaf of `leaf_values` mantissas of `bits` bits can be proved wrong within the
        limits of a transaction."""

    def sums_bytes(self, updates: int, leaf_values: int, bits: int) -> int:
        """The length in bytes of a leaf's partial sums over `updates` updates, at least one, of mantissas of `bits`
        bits."""

    def gas_bound(self, updates: int, leaf_values: int, bits: int, start: int, final: bool) -> int:
        """An upper bound of the contract's gas for one leaf, for `updates` more updates after `start`, and for `finish`
        if `final`."""

    def accumulate(self, sums: Sums | None, mantissas: NDArray[np.signedinteger[Any]], weight: int, shift: int) -> Sums:
        """Add one client's mantissas to `sums`, which may be changed.

        Args:
            sums: what this method returned before, or None at first.
            mantissas: signed integers of one of its `bits`, [leaves, K], the whole two's-complement range.
            weight: the client's weight, below 2^20.
            shift: a value is `mantissa * 2^shift` units; `shift + bits <= 31`.

        Raises:
            RuleError: a shape, dtype, weight or shift that the protocol does not allow. Arrays of different shapes
                are not broadcast.
        """

    def finish(self, sums: Sums, prior: NDArray[np.int32], total_weight: int, server_lr: int) -> NDArray[np.int32]:
        """Apply finished sums to the prior global.

        Args:
            sums: the sums over all accepted updates.
            prior: int32 [parts, leaves, K], units of 2^-24.
            total_weight: the accepted weight, at least 1.
            server_lr: 1 .. 2^17, unit 2^-16.

        Returns:
            int32 [parts, leaves, K], the next global in the same form.

        Raises:
            RuleError: shapes that do not belong together, no weight, a server_lr out of range, or sums that updates of
                that weight cannot have.
        """
