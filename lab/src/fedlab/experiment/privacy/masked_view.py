"""What a reader of a masked federation sees of the updates: made by the code that a site masks with."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from fednode.masking.keys import public_key
from fednode.masking.masked import masked_leaves, pair_seeds
from fednode.masking.weighted import weighted_delta
from fedprotocol.masks.limits import MAX_BOUND, max_weight
from fedprotocol.masks.transcript import transcript

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHAIN, COORDINATOR, PRIOR = 1, "0x" + "c0" * 20, bytes(32)  # no chain is there: any will do


def masked(
    deltas: Mapping[str, NDArray[np.float64]], leaf_values: int, round: int, seed: int
) -> dict[str, NDArray[np.float64]]:
    """Each site's update under its masks, read as signed numbers: float64 [value_count] for each of at least three
    sites. Keys follow from `seed`, which the reader does not have.

    Args:
        deltas: float64 [value_count] in units of 2^-24.
    """
    secrets = {
        _account(index): hashlib.sha256(repr((seed, round, name)).encode()).digest() for index, name in _of(deltas)
    }
    keys = {account: public_key(secret) for account, secret in secrets.items()}
    bound = transcript(CHAIN, COORDINATOR, round, PRIOR, keys)
    largest = max(float(np.abs(delta).max()) for delta in deltas.values())
    scale = max(0, math.ceil(math.log2(largest / MAX_BOUND))) if largest else 0
    rng, seen = np.random.default_rng([seed, round]), {}
    for index, name in _of(deltas):
        account = _account(index)
        own = weighted_delta(deltas[name], max_weight(len(deltas)), scale, MAX_BOUND, rng).values
        leaves = masked_leaves(own, leaf_values, account, pair_seeds(bound, secrets[account], account, keys))
        seen[name] = np.frombuffer(b"".join(leaves), ">i4")[: own.size].astype(np.float64)
    return seen


def _of(deltas: Mapping[str, NDArray[np.float64]]) -> list[tuple[int, str]]:
    return list(enumerate(deltas, start=1))


def _account(index: int) -> str:
    return f"0x{index:040x}"
