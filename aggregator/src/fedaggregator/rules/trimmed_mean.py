"""Coordinate-wise trimmed mean (Yin et al., 2018, arXiv:1803.01498), in integers.

It computes the same as `contracts/rules/TrimmedMean.sol`; `docs/protocol.md` has the formula.
"""

from __future__ import annotations

from fedaggregator.rules.middle_mean import MiddleMean


class TrimmedMean(MiddleMean):
    """A quarter of the values, rounded down, is left out at each end."""

    name = "trimmed-mean"
    summary = (
        "The mean of the updates value by value, without the quarter of the smallest and the quarter of the largest; "
        "each update counts the same."
    )
    contract = "TrimmedMean"

    def trim(self, count: int) -> int:
        """See `MiddleMean.trim`."""
        return count // 4


RULE = TrimmedMean()
