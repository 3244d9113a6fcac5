"""What every rule asks of its arguments: the widths, weights, shifts and rates that the protocol allows, and arrays of
the shapes that belong together."""

from __future__ import annotations

from typing import Any

import numpy as np
from fedprotocol.numbers import MANTISSA_BITS, SHIFT_LIMIT
from fedprotocol.types import MAX_WEIGHT
from numpy.typing import NDArray

from fedaggregator.rules.base import RuleError

MAX_CALLDATA = 127 * 1024
"""Bytes of a call: a chain node's pool takes transactions of 128 KiB."""
MAX_SERVER_LR = 2**17
"""Unit 2^-16."""
MAX_VALUE = 2**30
"""`|mantissa * 2^shift|` is at most this, because `shift + bits <= 31`. So is a mean of such values."""


def check_update(mantissas: NDArray[np.signedinteger[Any]], weight: int, shift: int) -> None:
    """Whether one update can be added to sums, whatever the rule.

    Args:
        mantissas: int8 or int16 [leaves, K].
        weight: the client's weight, below 2^20.
        shift: a value is `mantissa * 2^shift` units; `shift + bits <= 31`.

    Raises:
        RuleError: another shape or dtype, or a weight or shift out of range.
    """
    bits = 8 * mantissas.dtype.itemsize
    if mantissas.dtype.kind != "i" or bits not in MANTISSA_BITS:
        raise RuleError(f"mantissas must be int8 or int16, not {mantissas.dtype}")
    if mantissas.ndim != 2:
        raise RuleError(f"mantissas have the shape [leaves, K], not {list(mantissas.shape)}")
    if not 0 <= weight <= MAX_WEIGHT:
        raise RuleError(f"weight {weight} is not in 0 .. {MAX_WEIGHT}")
    if not 0 <= shift <= SHIFT_LIMIT - bits:
        raise RuleError(f"shift {shift} is not in 0 .. {SHIFT_LIMIT - bits}")


def check_prior(prior: NDArray[np.int32], shape: tuple[int, ...], total_weight: int, server_lr: int) -> None:
    """Whether a prior can take a step of the rule.

    Args:
        prior: int32 [parts, leaves, K].
        shape: what these three numbers must be: the rule's parts, and the leaves and values that its sums have.
        total_weight: the accepted weight, at least 1.
        server_lr: 1 .. 2^17, unit 2^-16.

    Raises:
        RuleError: another shape or dtype, no weight, or a server_lr out of range.
    """
    if prior.dtype != np.int32 or prior.ndim != 3 or prior.shape != shape:
        raise RuleError(f"the prior is {prior.dtype}{list(prior.shape)}, the sums need int32{list(shape)}")
    if total_weight < 1:
        raise RuleError("the accepted updates have no weight")
    if not 1 <= server_lr <= MAX_SERVER_LR:
        raise RuleError(f"server_lr {server_lr} is not in 1 .. {MAX_SERVER_LR}")
