"""What `fednode spec new --private` decides, and how finely masked values are counted."""

from __future__ import annotations

from typing import Any

import pytest
from fednode.sponsor.masking_range import masking_for
from fednode.sponsor.private_choice import bits_under, rule_and_bits
from fedprotocol.masks.document import Masking
from fedprotocol.numbers import UNIT
from fedprotocol.spec import SpecError


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ((False, None, None), ("fedavg", 8)),
        ((False, "median", 16), ("median", 16)),
        ((True, None, None), ("masked-mean", 32)),
        ((False, "masked-mean", None), ("masked-mean", 32)),
        ((True, "masked-mean", 32), ("masked-mean", 32)),
    ],
)
def test_private_decides_rule_and_bits(given: Any, made: Any) -> None:
    assert rule_and_bits(*given) == made


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((True, "fedavg", None), "--rule fedavg needs the values of single updates"),
        ((True, None, 8), "--bits 8 is for updates that everybody can read"),
        ((False, "fedavg", 32), "--bits 32 is for masked values"),
    ],
)
def test_what_is_half_private_is_refused(given: Any, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        rule_and_bits(*given)


def test_a_successor_keeps_its_bits_unless_it_becomes_private_or_public() -> None:
    assert [bits_under("median", bits) for bits in (8, 16, 32)] == [8, 16, 8]
    assert [bits_under("masked-mean", bits) for bits in (8, 16, 32)] == [32, 32, 32]


@pytest.mark.parametrize("largest", [UNIT / 3, UNIT, 2**15 * UNIT, 2**15 * UNIT * 1.001, 0.01, 0.3, 1.5, 63.9, 64.0])
def test_the_finest_steps_that_hold_a_value(largest: float) -> None:
    made = masking_for(largest)
    assert largest <= (made.bound << made.scale) * UNIT
    if made.scale:
        assert largest > (2**15 << made.scale - 1) * UNIT, "finer steps would have held it"
        assert made.bound > 2**14, "about as exact as 16 bits"


def test_beyond_what_can_be_held_values_are_cut() -> None:
    assert masking_for(1000.0) == Masking(scale=15, bound=2**15)
