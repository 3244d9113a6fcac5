"""What a withheld block is worth to somebody who wants another seed.

Each proposer of a block mixes a number into RANDAO that is fixed beforehand (its signature of the epoch), so all it
can do is leave its block out. The seed is the mix after the last slot before a given time. An attacker that has the
last slots before that time, and no honest one after them, can choose among 2^slots seeds, at the price of the blocks
that it leaves out (EIP-4399, "Biasability").
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product
from math import expm1, log1p
from typing import Literal

HONEST, OWN = "H", "A"
Rule = Literal["time", "number"]
SMALL = 1e-18


def best_of(chance: float, seeds: int) -> float:
    """The chance that one of several independent seeds suits somebody whom one suits with `chance`."""
    return -expm1(seeds * log1p(-chance)) if chance < 1 else 1.0


def with_withholding(chance: float, share: float) -> float:
    """The chance that a seed suits somebody who proposes `share` of all blocks, in random slots, and leaves out what it
    likes. It has exactly k last slots with the chance share^k (1 - share).
    """
    total, run = 0.0, 1.0
    for slots in range(1024):
        found = best_of(chance, 2**slots)
        if run < SMALL * chance or found == 1.0:
            return total + run * found
        total += run * (1 - share) * found
        run *= share
    return total + run


def most_gain(share: float) -> float:
    """No chance becomes greater than this many times itself, for a share below one half: the sum of
    (2 share)^k (1 - share), because 2^k seeds suit at most 2^k times as often."""
    if not 0 <= share < 0.5:
        raise ValueError("with half of all blocks the gain has no bound: use with_withholding")
    return (1 - share) / (1 - 2 * share)


def best_play(slots: str, wanted: frozenset[int], bits: int, rule: Rule, blocks: int = 0) -> float:
    """The chance that the final mix is one of `wanted` if somebody plays its own slots as well as can be, found by
    trying everything. It knows all its own numbers from the start, and an honest one when it is published.

    slots: a letter each, OWN or HONEST; honest ones follow for ever. bits: of a mix, few. rule: the seed is the mix
    after all these slots ("time"), or after this many `blocks` ("number").
    """
    own = [i for i, owner in enumerate(slots) if owner == OWN]
    plays = [_play(slots, dict(zip(own, mine, strict=True)), wanted, bits, rule, blocks) for mine in _all(bits, own)]
    return sum(plays) / len(plays)


def _all(bits: int, slots: list[int]) -> Iterator[tuple[int, ...]]:
    return product(range(2**bits), repeat=len(slots))


def _play(slots: str, own: dict[int, int], wanted: frozenset[int], bits: int, rule: Rule, blocks: int) -> float:
    @cache
    def from_here(slot: int, mix: int, published: int) -> float:
        if slot == len(slots) if rule == "time" else published == blocks:
            return float(mix in wanted)
        if slot not in own:
            outcomes = [from_here(slot + 1, mix ^ number, published + 1) for number in range(2**bits)]
            return sum(outcomes) / len(outcomes)
        publish, leave_out = (
            from_here(slot + 1, mix ^ own[slot], published + 1),
            from_here(slot + 1, mix, published),
        )
        return max(publish, leave_out)

    return from_here(0, 0, 0)
