"""The weighted mean of masked updates, whose masks cancel in the sum, in integers.

It computes the same as `contracts/rules/MaskedMean.sol`; `docs/protocol.md` has the formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from fedprotocol.masks.document import MASKED_RULE
from fedprotocol.masks.limits import MAX_TOTAL_WEIGHT, MasksError, check_scale
from fedprotocol.masks.transcript import MAX_MEMBERS
from fedprotocol.numbers import divide_round
from fedprotocol.types import MASKED_BITS
from numpy.typing import NDArray

from fedaggregator.rules.base import RuleError, Sums
from fedaggregator.rules.limits import check_prior
from fedaggregator.rules.step import stepped

_WIDTH = 4  # bytes of a sum


@dataclass(frozen=True)
class MaskedMean:
    """g' = clamp(g + R(R(S * 2^scale, W) * server_lr, 2^16)) with S = sum y_i mod 2^32, read as int32.

    Weights are inside the y_i. `scale` and `bound` are what the contract was deployed with; no sum of honest updates is
    larger than `bound` times their weight (`fedprotocol.masks.limits.out_of_range`). Without them the rule knows sizes
    and prices, and averages nothing.
    """

    scale: int | None = None
    bound: int | None = None

    name = MASKED_RULE
    summary = "The mean of updates of which others see nothing but the sum; each counts by its weight."
    contract = "MaskedMean"
    bits = (MASKED_BITS,)
    parts = 1

    def __post_init__(self) -> None:
        if self.scale is None and self.bound is None:
            return
        try:
            check_scale(*self.parameters)
        except MasksError as error:
            raise RuleError(str(error)) from error

    @property
    def parameters(self) -> tuple[int, int]:
        """See `Rule.parameters`: scale and bound. Raises RuleError if they are not known."""
        if self.scale is None or self.bound is None:
            raise RuleError(
                f"the rule {self.name} computes with the scale and the bound of a federation's contract, and was given "
                "none: take the rule from the federation's spec or coordinator"
            )
        return self.scale, self.bound

    def max_clients(self, leaf_values: int, bits: int) -> int:  # noqa: ARG002 - a case can be spread over more calls
        """See `Rule.max_clients`; none at another width, as in the contract."""
        return MAX_MEMBERS if bits in self.bits else 0

    def sums_bytes(self, updates: int, leaf_values: int, bits: int) -> int:  # noqa: ARG002 - always the same length
        """See `Rule.sums_bytes`."""
        return _WIDTH * leaf_values

    def gas_bound(self, updates: int, leaf_values: int, bits: int, start: int, final: bool) -> int:  # noqa: ARG002
        """See `Rule.gas_bound`; measured in docs/gas.md."""
        return leaf_values * (20 * updates + (400 if final else 0))

    def accumulate(self, sums: Sums | None, mantissas: NDArray[np.signedinteger[Any]], weight: int, shift: int) -> Sums:
        """See `Rule.accumulate`; `mantissas` are masked values and sums are modulo 2^32, both int32 [leaves, K]."""
        if mantissas.dtype != np.int32 or mantissas.ndim != 2:
            raise RuleError(f"masked values are int32[leaves, K], not {mantissas.dtype}{list(mantissas.shape)}")
        if not 0 <= weight <= MAX_TOTAL_WEIGHT:
            raise RuleError(f"weight {weight} is not in 0 .. {MAX_TOTAL_WEIGHT}")
        if shift:
            raise RuleError(f"masked updates have no shift, not {shift}")
        if sums is None:
            return mantissas.copy()
        if sums.dtype != np.int32 or sums.shape != mantissas.shape:
            raise RuleError(f"sums are {sums.dtype}{list(sums.shape)}, the values need int32{list(mantissas.shape)}")
        sums += mantissas  # int32 arrays wrap around, which is modulo 2^32
        return sums

    def finish(self, sums: Sums, prior: NDArray[np.int32], total_weight: int, server_lr: int) -> NDArray[np.int32]:
        """See `Rule.finish`."""
        check_prior(prior, (self.parts, *sums.shape), total_weight, server_lr)
        if total_weight > MAX_TOTAL_WEIGHT:
            raise RuleError(f"the accepted updates weigh {total_weight}, which is more than {MAX_TOTAL_WEIGHT}")
        if sums.dtype != np.int32:
            raise RuleError(f"sums are int32, not {sums.dtype}")
        scale, _ = self.parameters
        mean = divide_round(sums.astype(np.int64) << scale, total_weight)
        return stepped(prior, mean[np.newaxis], server_lr)


RULE = MaskedMean()
"""The rule of no federation in particular: `rule_named` gives it a scale and a bound."""
