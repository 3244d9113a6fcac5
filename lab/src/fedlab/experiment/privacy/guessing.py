"""How well somebody guesses: the area under the ROC curve, and a share of right answers, each with its uncertainty."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Z = 1.96
"""Standard errors on either side of an interval of 95 %."""


@dataclass(frozen=True)
class Area:
    """The probability that a member scores above another row; ties count half. 0.5 is chance. `error`: its standard
    error."""

    value: float
    error: float


def area(members: NDArray[np.float64], others: NDArray[np.float64]) -> Area:
    """The area under the ROC curve of two sets of scores, at least two each. DeLong et al. 1988, "Comparing the Areas
    under Two or More Correlated Receiver Operating Characteristic Curves"."""
    above = (members[:, None] > others) + 0.5 * (members[:, None] == others)
    parts = above.mean(axis=1).var(ddof=1) / len(members) + above.mean(axis=0).var(ddof=1) / len(others)
    return Area(float(above.mean()), math.sqrt(float(parts)))


def found_at(false: float, members: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """The share of members that are found if at most the share `false` of the others is taken for members. Carlini et
    al. 2022, "Membership Inference Attacks From First Principles", on why an area alone hides it."""
    allowed = math.floor(false * len(others))
    threshold = np.sort(others)[::-1][allowed]  # what scores above it are at most `allowed` of the others
    return float((members > threshold).mean())


def together(areas: Sequence[Area]) -> Area:
    """The mean of areas of independent models."""
    error = math.sqrt(sum(one.error**2 for one in areas)) / len(areas)
    return Area(sum(one.value for one in areas) / len(areas), error)


def best_area(epsilon: float, delta: float) -> float:
    """The largest area that any attack can have against a row that (epsilon, delta) protects: that of the curve above
    which no pair of error rates can lie. Kairouz et al. 2015, "The Composition Theorem for Differential Privacy"."""
    corner = (1 - delta) / (1 + math.exp(epsilon))  # where both kinds of error are equally frequent
    return 1 - corner * (1 - delta)


def interval(right: int, tries: int) -> tuple[float, float]:
    """95 % for the probability behind `right` of `tries`. Wilson 1927, "Probable Inference, the Law of Succession, and
    Statistical Inference"."""
    share, square = right / tries, Z**2 / tries
    middle = (share + square / 2) / (1 + square)
    half = Z / (1 + square) * math.sqrt(share * (1 - share) / tries + square / (4 * tries))
    return max(0.0, middle - half), min(1.0, middle + half)
