"""The parts of a spec that an update has to keep to, and the site that makes it."""

from typing import Annotated

from pydantic import Field

from fedprotocol import numbers
from fedprotocol.strict import Part, PositiveReal


class Bounds(Part):
    """How large and how small an update may be. The norms are L2 norms of the decoded delta, in real values.

    The contract refuses a shift above `max_shift`, and so any value above 2^(mantissa_bits - 1 + max_shift) units; the
    norms are checked by attesters. `fednode.sponsor.bounds` explains how the three numbers are computed.
    """

    max_shift: Annotated[int, Field(ge=0, le=numbers.SHIFT_LIMIT - 8)]
    max_norm: PositiveReal
    min_norm: PositiveReal  # below it, an update is nearly nothing


class Privacy(Part):
    """What a site has to do for the privacy of its rows. `noise`: the least noise multiplier of DP-SGD, which is the
    standard deviation of the noise in units of the largest norm of one row's gradient. Abadi et al. 2016, "Deep
    Learning with Differential Privacy". Nobody can prove that another site does it; a node refuses to train with
    less."""

    noise: PositiveReal
