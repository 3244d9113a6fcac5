"""`fednode cost`: who pays what, on which chain."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from fednode.cli.app import app
from fedprotocol.chains import CHAINS
from fedprotocol.deployment.costs import CONTRACTS, costs
from fedprotocol.errors import FedError
from fedprotocol.spec import load_spec
from support.documents import ROOT
from support.specs import small_spec
from typer.testing import CliRunner, Result


def cost(*options: str) -> Result:
    return CliRunner().invoke(app, ["cost", *options])


def told(*options: str) -> dict[str, object]:
    result = cost(*options, "--json")
    assert result.exit_code == 0, (result.output, result.exception)
    return dict(json.loads(result.stdout))


def test_the_table_is_that_of_the_page() -> None:
    """docs/costs.md is for 16 sites, with an ether at 3,000 dollars."""
    page = (ROOT / "docs/costs.md").read_text().split("<!-- table: shares -->")[1].split("<!-- end -->")[0]
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("|")]
    expected = {name: cells for name, *cells in lines[2:]}
    shown = cost("--ether-price", "3000").stdout.splitlines()
    names = next(line for line in shown if line.lstrip().startswith("gas")).split()
    assert names == list(expected)
    site = "each site           "
    rows = ("joining", f"{site}a round", f"{site}60 rounds", "a proposal", "convicting", "contracts")
    for at, name in enumerate(rows):
        [row] = [line for line in shown if name in line]
        assert row.split()[-len(names) :] == [expected[one][at] for one in names], name


def test_a_price_a_number_of_sites_and_a_chain_of_ones_own() -> None:
    found = told("--sites", "64", "--chain", "base-main", "--chain", "Sepolia", "--gas-price", "0.5")
    assert (found["sites"], found["rounds"], found["leaves"], found["rule"]) == (64, 60, 512, "fedavg")
    entries = {(one["who"], one["what"]): one for one in found["costs"]}  # type: ignore[attr-defined]
    gas = costs(64, 512)
    assert entries["each site", "a round"]["gas"] == gas.a_round
    assert entries["the sponsor", "the three contracts"]["gas"] == CONTRACTS
    together = 64 * gas.a_round + gas.opening + gas.settling + gas.proposal
    assert entries["all together", "60 rounds"]["gas"] == 60 * together
    amounts = entries["all together", "a round"]["amounts"]
    assert amounts == {name: pytest.approx(float(together * Decimal("0.5") / 10**9)) for name in ("Base", "Sepolia")}
    chains = {one["name"]: one for one in found["chains"]}  # type: ignore[attr-defined]
    [base] = [one for one in CHAINS if one.name == "Base"]
    assert (chains["Base"]["id"], chains["Base"]["phases"]) == (8453, vars(base.phases))


def test_a_federation_of_ones_own(tmp_path: Path) -> None:
    document = small_spec()
    spec = load_spec(document)
    (tmp_path / "spec.json").write_bytes(document)
    for named in (tmp_path, tmp_path / "spec.json"):
        found = told("--spec", str(named), "--sites", "4")
        assert (found["rounds"], found["leaves"]) == (spec.training.rounds, spec.layout.leaf_count)


def test_what_there_is_not() -> None:
    assert "there are Ethereum, Sepolia, Base" in str(cost("--chain", "Moon").exception)
    missing = cost("--spec", "no/such/folder").exception
    assert isinstance(missing, FedError) and "cannot be read" in str(missing)
    assert cost("--sites", "257").exit_code == 2
