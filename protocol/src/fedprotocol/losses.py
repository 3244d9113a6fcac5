"""Losses that a site tells with its update: before and after training, in units of `MICRO`."""

MICRO = 1_000_000
"""The chain's unit of a loss is 1 / MICRO."""


def told(before: int, after: int) -> bool:
    """Whether a site tells its losses. Two zeros say that it does not: sites that train with differential privacy send
    them, and all sites of a masked federation do."""
    return bool(before or after)
