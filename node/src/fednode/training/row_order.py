"""The order in which a round draws its rows, worked out only as far as rows are drawn.

It is torch's own, `torch.randperm` for the round's seed, so that the rows that a seed means do not change. torch makes
the order of all rows first: with five million, that takes 200 MiB and longer than drawing the few that a round needs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch.utils.data import Sampler

_MOST = 1 << 27
"""Orders of so many rows and more are torch's whole ones: from about 2^27.7 on it makes them in another way."""


def permuted(rows: int, seed: int) -> Iterator[int]:
    """The numbers below `rows` in the order of `torch.randperm` for a generator with that `seed`, from 0 below 2^64.

    The shuffle of Fisher and Yates from the front (Durstenfeld 1964, "Algorithm 235: Random permutation"), each place
    swapped with one behind it that a 32-bit number of the Mersenne Twister picks. Only places that were swapped are
    kept, so memory and time follow from how many numbers are taken.
    """
    if rows >= _MOST:
        generator = torch.Generator()
        generator.manual_seed(seed)
        yield from map(int, torch.randperm(rows, generator=generator))
        return
    twister = np.random.RandomState(seed & 0xFFFFFFFF)  # seeded as torch seeds its own
    moved: dict[int, int] = {}
    for place in range(rows):
        left = rows - place
        picked = place + int.from_bytes(twister.bytes(4), "little") % left
        here = moved.pop(place, place)
        if picked == place:
            yield here
        else:
            yield moved.get(picked, picked)
            moved[picked] = here


class RowOrder(Sampler[int]):
    """All rows in the order of `seed`; then, as often as they are drawn again, in that of the seed after it.

    accelerate says which time it is by `set_epoch`, as it does to its own SeedableRandomSampler, whose order this is.
    """

    def __init__(self, rows: int, seed: int) -> None:
        self._rows = rows
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __len__(self) -> int:
        return self._rows

    def __iter__(self) -> Iterator[int]:
        return permuted(self._rows, self._seed + self._epoch)
