"""Gas that a plan reckons with is what was measured, and money is gas times its price."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from fedprotocol.deployment.costs import FEW, GAS, MANY, costs, ether, gas_of, in_short, proposal_gas

MEASURED = json.loads((Path(__file__).parents[2] / "chain/contracts/gas_calls.json").read_text())
FOUR, MOST = MEASURED["4 clients, 450 leaves"], MEASURED["256 clients"]


def test_the_figures_are_the_measured_ones() -> None:
    assert {call: (FOUR[call], MOST[call]) for call in GAS} == GAS
    for call, (few, many) in GAS.items():
        assert (gas_of(call, FEW), gas_of(call, MANY)) == (few, many)
        assert min(few, many) <= gas_of(call, 100) <= max(few, many)
        assert (gas_of(call, 1), gas_of(call, 999)) == (few, many)


def test_a_proposal_is_bounded_from_above() -> None:
    pages = MEASURED["2,500 leaves"]
    two_pages = pages["propose, a page of 2,048"] + pages["propose, last page of 452"]
    for leaves, measured in ((450, FOUR["propose"]), (2, MOST["propose"]), (2_500, two_pages)):
        assert measured <= proposal_gas(leaves) <= 1.2 * measured, leaves
    assert proposal_gas(4_096) == pytest.approx(2 * proposal_gas(2_048), rel=0.01)


def test_what_a_round_costs_a_site() -> None:
    assert costs(FEW, 450).a_round == FOUR["commit"] + FOUR["reveal"] + FOUR["attest"]
    assert costs(32, 450).a_round > costs(FEW, 450).a_round


def test_gas_in_ether() -> None:
    assert ether(1_000_000, 20) == Decimal("0.02")
    assert ether(1_000_000, 0.01) == Decimal("0.00001")


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "0"),
        ("0.000010234", "0.0000102"),
        ("0.0200", "0.02"),
        ("1.23456", "1.23"),
        ("123.6", "124"),
        ("9999", "9999"),
    ],
)
def test_amounts_in_short(amount: str, text: str) -> None:
    assert in_short(Decimal(amount)) == text
