"""The tables of docs/cohorts.md, all computed: nothing in them is drawn by chance."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import floor, log10

from fednode.markdown import table

from fedlab.cohorts.odds import at_least, blocked, to_block, to_decide, to_outvote
from fedlab.cohorts.randao import with_withholding

SEATS = 10_000
COHORTS = (16, 64, 128, 256)
SHARES = (Fraction(1, 10), Fraction(1, 5), Fraction(1, 4), Fraction(1, 3), Fraction(2, 5))
ATTENDANCES = (Fraction(1), Fraction(9, 10), Fraction(7, 10), Fraction(1, 2))
BLOCKS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
CHANCES = (1e-3, 1e-9, 1e-28)


def tables() -> dict[str, str]:
    """Every table by its name on the page."""
    needs = (to_block, to_outvote, to_decide)
    odds = [
        [str(size), percent(share), *(words(at_least(need(size), size, round(share * SEATS), SEATS)) for need in needs)]
        for size, share in _each_size_and_share()
    ]
    coming = [
        [percent(share), *(words(blocked(256, round(share * SEATS), SEATS, come)) for come in ATTENDANCES)]
        for share in SHARES[:3]
    ]
    gains = [
        [percent(share), *(f"{with_withholding(chance, share) / chance:.2f}" for chance in CHANCES)] for share in BLOCKS
    ]
    return {
        "odds": table(("cohort", "dishonest seats", "can void the round", "more than half", "decide alone"), odds),
        "attendance": table(("dishonest seats", *(f"{percent(come)} come" for come in ATTENDANCES)), coming),
        "withheld": table(("blocks", *(f"a chance of {chance:g}" for chance in CHANCES)), gains),
    }


def words(chance: Fraction) -> str:
    """A chance as people read it: in percent, or once in how many rounds."""
    if chance >= Fraction(1, 200):
        return f"{100 * float(chance):.2g} %"
    if chance >= Fraction(1, 10**6):
        rounds = float(1 / chance)
        digits = floor(log10(rounds)) - 1
        return f"1 in {round(rounds / 10**digits) * 10**digits:,}"
    return f"1 in 10^{len(str(int(1 / chance))) - 1}"


def percent(share: Fraction | float) -> str:
    """A share in whole percent."""
    return f"{100 * float(share):.0f} %"


def _each_size_and_share() -> Iterator[tuple[int, Fraction]]:
    for size in COHORTS:
        for share in SHARES:
            yield size, share
