"""What `--private` decides: the rule, and how wide a value of an update is."""

from __future__ import annotations

from fedprotocol.masks.document import MASKED_RULE
from fedprotocol.spec import SpecError
from fedprotocol.types import MASKED_BITS

PUBLIC_RULE, PUBLIC_BITS = "fedavg", 8


def rule_and_bits(private: bool, rule: str | None, bits: int | None) -> tuple[str, int]:
    """Rule and bits of a new federation. `rule`, `bits`: what the sponsor says, None if nothing.

    Raises SpecError for a rule or bits that do not belong together: updates are masked throughout or not at all.
    """
    masked = private or rule == MASKED_RULE
    if not masked:
        if bits == MASKED_BITS:
            raise SpecError("--bits 32 is for masked values: give --private too, or --bits 8 or 16")
        return rule or PUBLIC_RULE, bits or PUBLIC_BITS
    if rule not in (None, MASKED_RULE):
        raise SpecError(
            f"--rule {rule} needs the values of single updates, which --private hides: leave one of them out"
        )
    if bits not in (None, MASKED_BITS):
        raise SpecError(f"--bits {bits} is for updates that everybody can read: leave it out with --private")
    return MASKED_RULE, MASKED_BITS


def bits_under(rule: str, before: int) -> int:
    """The bits of a federation with `rule` that goes on from one with the bits `before`: as many, unless one of the two
    is masked and the other is not."""
    if rule == MASKED_RULE:
        return MASKED_BITS
    return PUBLIC_BITS if before == MASKED_BITS else before
