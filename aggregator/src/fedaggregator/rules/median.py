"""Coordinate-wise median (Yin et al., 2018, arXiv:1803.01498), in integers.

It computes the same as `contracts/rules/Median.sol`; `docs/protocol.md` has the formula.
"""

from __future__ import annotations

from fedaggregator.rules.middle_mean import MiddleMean


class Median(MiddleMean):
    """The middle value, or the mean of the two middle ones."""

    name = "median"
    summary = "The median of the updates value by value; each update counts the same."
    contract = "Median"

    def trim(self, count: int) -> int:
        """See `MiddleMean.trim`."""
        return (count - 1) // 2


RULE = Median()
