"""How likely a minority of the seats has the say in a cohort. All sums are exact, in whole numbers and fractions.

Seats are drawn without replacement, so the dishonest ones among them have the hypergeometric distribution. Every seat
has the same weight.
"""

from __future__ import annotations

from fractions import Fraction
from math import comb


def to_block(attesters: int) -> int:
    """The fewest attesters that can make a round void: more than a third of all."""
    return attesters // 3 + 1


def to_outvote(attesters: int) -> int:
    """The fewest attesters that are more than half of all."""
    return attesters // 2 + 1


def to_decide(attesters: int) -> int:
    """The fewest attesters that decide alone which updates count: two thirds of all."""
    return -(-2 * attesters // 3)


def at_least(needed: int, drawn: int, bad: int, seats: int) -> Fraction:
    """The chance that at least `needed` of `drawn` seats are among the `bad` ones of all `seats`."""
    ways = sum(comb(bad, k) * comb(seats - bad, drawn - k) for k in range(needed, min(drawn, bad) + 1))
    return Fraction(ways, comb(seats, drawn))


def at_least_of_many(needed: int, drawn: int, share: Fraction) -> Fraction:
    """The same where there are so many seats that drawing some changes nothing: `share` of them are bad."""
    a, b = share.numerator, share.denominator
    ways = sum(comb(drawn, k) * a**k * (b - a) ** (drawn - k) for k in range(needed, drawn + 1))
    return Fraction(ways, b**drawn)


def blocked(drawn: int, bad: int, seats: int, attendance: Fraction) -> Fraction:
    """The chance that the bad ones are more than a third of those who come. All bad ones come, and each of the others
    with the chance `attendance`."""
    total = Fraction(0)
    for k in range(max(1, drawn - (seats - bad)), min(drawn, bad) + 1):
        others = drawn - k
        few = min(others, 2 * k - 1)  # 3 k > k + others
        come = 1 - at_least_of_many(few + 1, others, attendance)
        total += Fraction(comb(bad, k) * comb(seats - bad, others), comb(seats, drawn)) * come
    return total


def least_cohort(share: Fraction, chance: Fraction) -> int:
    """The smallest cohort, of any number of seats, from which on a bad `share` (less than two thirds) decides alone
    with no more than this chance. Two sizes more can be worse by one attester that rounding takes."""
    size = 1
    while any(at_least_of_many(to_decide(n), n, share) > chance for n in range(size, size + 3)):
        size += 1
    return size
