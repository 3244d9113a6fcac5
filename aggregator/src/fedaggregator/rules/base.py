"""What an aggregation rule is: the NumPy half of a pair whose Solidity half implements `IAggregationRule`."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from fedprotocol.errors import FedError
from numpy.typing import NDArray


class RuleError(FedError):
    """The arguments lie outside what the rule is defined for; the message names the one that does."""


class Rule(Protocol):
    """Partial sums first, then the finished leaf: the same two steps as on-chain, on any number of values at once."""

    @property
    def name(self) -> str:
        """What the Solidity twin's `name()` returns."""

    def accumulate(
        self, sums: NDArray[np.int64], mantissas: NDArray[np.signedinteger[Any]], weight: int, shift: int
    ) -> None:
        """Add one client's mantissas to `sums`, in place.

        Args:
            sums: int64 [n], native byte order.
            mantissas: int8 or int16 [n], the whole two's-complement range.
            weight: the client's weight, below 2^20.
            shift: a value is `mantissa * 2^shift` units; `shift + bits <= 31`.

        Raises:
            RuleError: a length, dtype, weight or shift that the protocol does not allow. Nothing is broadcast.
        """

    def finish(
        self, sums: NDArray[np.int64], prior: NDArray[np.int32], total_weight: int, server_lr: int
    ) -> NDArray[np.int32]:
        """Apply finished sums to the prior global.

        Args:
            sums: int64 [n] over all accepted updates.
            prior: int32 [n], units of 2^-24.
            total_weight: the accepted weight, at least 1.
            server_lr: 1 .. 2^17, unit 2^-16.

        Returns:
            int32 [n], the next global in units of 2^-24.

        Raises:
            RuleError: lengths that differ, no weight, a server_lr out of range, or sums no updates of that weight have.
        """
