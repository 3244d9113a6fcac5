"""What others see of a site's update: all of it, or only the weighted sum of all updates."""

from __future__ import annotations

from typing import Literal

Mode = Literal["public", "masked"]

MASKED_BITS = 32  # the width of a mantissa that marks a masked federation


def mode_of(mantissa_bits: int) -> Mode:
    """The mode of a federation whose mantissas have so many bits."""
    return "masked" if mantissa_bits == MASKED_BITS else "public"
