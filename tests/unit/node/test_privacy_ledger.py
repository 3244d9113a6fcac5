"""The ledger of what training with noise has cost, and the budget."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from fednode.config import PrivacyConfig
from fednode.differential_privacy.accountant import Cost, epsilon
from fednode.differential_privacy.budget import BudgetSpent, affordable, plan, require_budget
from fednode.differential_privacy.ledger import Entry, Ledger, LedgerError

COST = Cost(noise=1.0, rate=0.016, steps=100)
ENTRY = Entry("5-0xabc", 1, bytes(32), 1000, 1.0, 0.1, 0.016, 100, 1e-5, 1.0, 0)


def test_entries_are_there_after_a_restart_and_a_round_may_be_there_twice(tmp_path: Path) -> None:
    path = tmp_path / "privacy.sqlite"
    assert Ledger(path).entries() == () and not path.exists()
    for _ in range(2):
        Ledger(path).charge(lambda before: replace(ENTRY, at=len(before)))
    assert Ledger(path).entries() == (ENTRY, replace(ENTRY, at=1))
    assert path.stat().st_mode & 0o077 == 0


def test_what_is_refused_is_not_written(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "privacy.sqlite")

    def refuse(_: object) -> Entry:
        raise BudgetSpent("no")

    with pytest.raises(BudgetSpent):
        ledger.charge(refuse)
    assert ledger.entries() == () and ledger.last() is None


def test_an_entry_of_another_node_is_counted_too(tmp_path: Path) -> None:
    path, seen = tmp_path / "privacy.sqlite", []

    def make(before: object) -> Entry:
        seen.append(len(before))  # type: ignore[arg-type]
        if len(seen) == 1:
            Ledger(path).charge(lambda _: ENTRY)
        return ENTRY

    Ledger(path).charge(make)
    assert seen == [0, 1] and len(Ledger(path).entries()) == 2


def test_another_file_is_no_ledger(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("x" * 4096)
    with pytest.raises(LedgerError, match="notes"):
        Ledger(tmp_path / "notes").entries()


def test_epsilon_of_one_gaussian_is_the_exact_one() -> None:
    """Balle and Wang 2018, "Improving the Gaussian Mechanism for Differential Privacy", theorem 8."""
    found = epsilon([Cost(2.0, 1.0, 1)], 1e-5)

    def normal(x: float) -> float:
        return math.erfc(-x / math.sqrt(2)) / 2

    delta = normal(1 / 4 - 2 * found) - math.exp(found) * normal(-1 / 4 - 2 * found)
    assert delta == pytest.approx(1e-5, rel=0.01)


def test_epsilon_of_sampled_steps_and_the_budget() -> None:
    assert epsilon([], 1e-5) == 0
    once = epsilon([COST], 1e-5)
    assert once == pytest.approx(1.148, abs=0.01)
    assert epsilon([replace(COST, steps=40), replace(COST, steps=60)], 1e-5) == pytest.approx(once)
    settings = PrivacyConfig(noise=1.0, clip=0.1, delta=1e-5, budget=1.5)
    assert require_budget(settings, [], COST) == pytest.approx(once)
    planned = plan(settings, [ENTRY], COST, 3)
    assert planned.spent == pytest.approx(once) and planned.spent < planned.next_round < planned.whole
    assert affordable(settings, [], COST, 10) >= 1
    with pytest.raises(BudgetSpent, match="trains no more"):
        require_budget(settings, [ENTRY, ENTRY, ENTRY, ENTRY], COST)
