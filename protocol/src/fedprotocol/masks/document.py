"""What the federation's document says of masks, and what must then hold in its other parts."""

from typing import Annotated

from pydantic import Field

from fedprotocol.masks import limits
from fedprotocol.numbers import UNIT
from fedprotocol.strict import Part
from fedprotocol.types import MASKED_BITS

MASKED_RULE = "masked-mean"
"""The rule that masked updates are summed by, and no others."""


class Masking(Part):
    """Updates are masked, so that others see their sum alone (`fedprotocol.masks`). A masked value counts steps of
    2^scale units. Before a site multiplies its update by its weight, it cuts every value to `bound` steps."""

    scale: Annotated[int, Field(ge=0, le=limits.MAX_SCALE)]
    bound: Annotated[int, Field(ge=1, le=limits.MAX_BOUND)]

    @property
    def largest_value(self) -> float:
        """The largest value that an update can have, real."""
        return (self.bound << self.scale) * UNIT


def require_agreement(masking: Masking | None, *, rule: str, factors: str, mantissa_bits: int, max_shift: int) -> None:
    """Raise ValueError unless a document is masked throughout, or not at all.

    Args:
        masking: None in a public federation.
        rule: its name.
        factors: `lora.factors`.
        mantissa_bits: `layout.mantissa_bits`.
        max_shift: `bounds.max_shift`.
    """
    is_masked = masking is not None
    if (rule == MASKED_RULE) != is_masked:
        raise ValueError(
            f"masking: the rule {MASKED_RULE} has it and no other rule; this document has the rule {rule} "
            f"{'and masking' if is_masked else 'without it'}"
        )
    if is_masked and factors == "alternating":
        raise ValueError(
            "lora.factors must be both or b where updates are masked: a factor that a round does not train would be "
            "masked zeros, and cost as much as one that it trains"
        )
    if (mantissa_bits == MASKED_BITS) != is_masked:
        raise ValueError(f"layout.mantissa_bits must be {MASKED_BITS} with masking, and 8 or 16 without it")
    if is_masked and max_shift:
        raise ValueError("bounds.max_shift must be 0 where updates are masked: masking.scale takes its place")
