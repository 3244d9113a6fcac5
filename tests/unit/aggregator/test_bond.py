"""The bond pays for the proof, by the gas that proofs were measured to take."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fedaggregator.disputes.bond import largest_case, least_bond, least_window, settled
from fedaggregator.disputes.price import CaseSize, Limits
from fedaggregator.rules import RULES, rule_named
from fedprotocol.config import load_config
from fedprotocol.deployment.federation_file import Federation, FederationError
from fedprotocol.spec import load_spec
from support.specs import DOCUMENT, small_spec

MEASURED = json.loads((Path(__file__).parents[2] / "chain/contracts/gas_proof.json").read_text())
GAS_PAGE = Path(__file__).parents[3] / "docs/gas.md"
SPEC = load_spec(small_spec())


def federation(folder: Path, text: str) -> Federation:
    path = folder / "federation.toml"
    path.write_text(f'spec = "spec.json"\n{text}')
    return load_config(path, Federation)


@pytest.mark.parametrize("name", MEASURED)
def test_the_bound_is_above_what_was_measured_and_not_far(name: str) -> None:
    rule, clients, bits = name.removesuffix(" bits").replace(" clients", "").split(", ")
    calls = list(CaseSize.largest(rule_named(rule), int(clients), 1024, int(bits), 512).calls())
    assert len(calls) == MEASURED[name]["calls"]
    assert sum(call.calldata for call in calls) == MEASURED[name]["calldata"]
    assert MEASURED[name]["gas"] <= sum(call.gas for call in calls) <= 2 * MEASURED[name]["gas"]


@pytest.mark.parametrize(("name", "bits"), [(name, bits) for name, rule in RULES.items() for bits in rule.bits])
def test_as_many_clients_as_a_rule_allows_can_be_convicted(name: str, bits: int) -> None:
    """In the largest tree, whatever K is: each call fits in a transaction, by the bounds."""
    rule, limits = RULES[name], Limits()
    for values in (2**k for k in range(5, 14)):
        most = rule.max_clients(values, bits)
        assert most >= 3, values
        for clients in {1, most // 2, most - 1, most}:
            calls = list(CaseSize.largest(rule, clients, values, bits, 2**20 // rule.parts).calls())
            assert max(call.gas for call in calls) <= limits.gas, (values, clients)
            assert len(calls) <= 100, (values, clients)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_proves_nothing_of_values_that_it_does_not_take(name: str) -> None:
    for bits in {8, 16, 32} - set(RULES[name].bits):
        assert RULES[name].max_clients(1024, bits) == 0


@pytest.mark.parametrize("name", [name for name in RULES if name != "fedavg"])
def test_the_page_says_for_how_many_clients_a_rule_can_be_proved(name: str) -> None:
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in GAS_PAGE.read_text().splitlines()]
    sizes = [int(cell.replace(",", "")) for cell in next(row for row in rows if row[:2] == ["rule", "bits"])[2:]]
    for bits in RULES[name].bits:
        assert [name, str(bits), *(str(RULES[name].max_clients(values, bits)) for values in sizes)] in rows
    assert all(RULES["fedavg"].max_clients(values, bits) == 256 for values in sizes for bits in (8, 16))


def test_a_bond_that_is_left_out_is_worth_four_proofs(tmp_path: Path) -> None:
    given = federation(tmp_path, '[members]\nmax_clients = 64\n[proof]\ngas_price = 50\nether = "2500.5"\n')
    gas = sum(call.gas for call in largest_case(given, SPEC).calls())
    bond = settled(given, SPEC, 18).money.bond
    assert bond == least_bond(given, SPEC) == 4 * gas * 50 * Decimal("2500.5") / 10**9


def test_it_is_rounded_up_to_what_the_token_can_express(tmp_path: Path) -> None:
    given = federation(tmp_path, '[proof]\ngas_price = "0.0123456789"\nether = 3000\n[money]\nround_reward = 1\n')
    bond, least = settled(given, SPEC, 2).money.bond, least_bond(given, SPEC)
    assert bond is not None and bond > least > bond - Decimal("0.01") and bond * 100 % 1 == 0


def test_a_quarter_of_the_reward_where_gas_costs_nothing(tmp_path: Path) -> None:
    assert settled(federation(tmp_path, "[money]\nround_reward = 1000"), SPEC, 18).money.bond == 250
    with pytest.raises(FederationError, match=r"money\.bond = 24: .* a quarter of round_reward, which is 25 tokens"):
        settled(federation(tmp_path, "[money]\nbond = 24"), SPEC, 18)


def test_a_bond_below_four_proofs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FederationError, match=r"money\.bond = 25: it must be worth four proofs"):
        settled(federation(tmp_path, "[money]\nbond = 25\n[proof]\nether = 3000"), SPEC, 18)
    assert (
        settled(federation(tmp_path, "[money]\nbond = 250000\n[proof]\nether = 3000"), SPEC, 18).money.bond == 250_000
    )


@pytest.mark.parametrize(("clients", "bits", "calls"), [(16, 8, 1), (256, 8, 4), (64, 16, 2), (256, 16, 6)])
def test_the_shortest_window_holds_the_longest_case_ten_times(
    tmp_path: Path, clients: int, bits: int, calls: int
) -> None:
    layout: dict[str, Any] = {
        "tensors": [{"name": "a", "shape": [512, 1024]}],
        "leaf_values": 1024,
        "mantissa_bits": bits,
    }
    spec = load_spec(small_spec(layout={**DOCUMENT["layout"], **layout}))
    members = f"[members]\nmax_clients = {clients}\n[proof]\nblock_time = 3\n"
    seconds = 10 * calls * 3
    assert least_window(federation(tmp_path, members), spec) == seconds
    settled(federation(tmp_path, f"{members}[phases]\nmin_window = {seconds}"), spec, 18)
    with pytest.raises(FederationError, match=f"{seconds} s at least"):
        settled(federation(tmp_path, f"{members}[phases]\nmin_window = {seconds - 1}"), spec, 18)
