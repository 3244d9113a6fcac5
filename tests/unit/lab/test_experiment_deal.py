"""Which site holds which rows."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from fedlab.experiment.definition import Task
from fedlab.experiment.split_rows import deal, site_names
from fednode.data import Row

DOMAINS = ("a", "b", "c", "d")
ROWS = [Row(f"{domain} {i}", f" {domain}{i % 3}", domain) for domain in DOMAINS for i in range(100)]


def task(**changes: Any) -> Task:
    return Task.model_validate({"name": "t", "data": "x", "rows": ["r"], **changes})


def of_own_domain(held: list[Row], domain: str) -> float:
    return sum(row.domain == domain for row in held) / len(held)


@pytest.mark.parametrize(
    "changes",
    [{}, {"split": "dirichlet"}, {"split": "even"}, {"split": "apart"}, {"sites": 8}, {"sites": 3}, {"sites": 7}],
)
def test_every_row_goes_to_one_site(changes: dict[str, Any]) -> None:
    held = deal(ROWS, task(**changes), seed=1)
    assert len(held) == changes.get("sites", 4)
    assert Counter(row for rows in held.values() for row in rows) == Counter(ROWS)
    assert all(held.values())
    assert deal(ROWS, task(**changes), seed=1) == held
    assert deal(ROWS, task(**changes), seed=2) != held


def test_a_site_holds_mostly_its_domain() -> None:
    held = deal(ROWS, task(own_share=0.8), seed=3)
    assert list(held) == list(DOMAINS)
    for domain, rows in held.items():
        assert of_own_domain(rows, domain) == pytest.approx(0.8, abs=0.02)
        assert {row.domain for row in rows} == set(DOMAINS)


def test_one_site_alone_knows_a_domain() -> None:
    held = deal(ROWS, task(split="apart", sites=5), seed=3)
    assert {row.domain for row in held["site-5"]} == {"d"} and len(held["site-5"]) == 100
    assert [len(held[f"site-{number}"]) for number in range(1, 5)] == [75] * 4
    assert all({row.domain for row in held[f"site-{number}"]} == {"a", "b", "c"} for number in range(1, 5))


def test_two_sites_of_a_domain_share_it() -> None:
    assert site_names(DOMAINS, 8, "domain") == ["a", "b", "c", "d", "a-2", "b-2", "c-2", "d-2"]
    held = deal(ROWS, task(sites=8), seed=3)
    for name, rows in held.items():
        assert len(rows) == pytest.approx(50, abs=2)
        assert of_own_domain(rows, name[0]) == pytest.approx(0.8, abs=0.05)


def test_dirichlet_is_more_uneven_with_a_smaller_alpha() -> None:
    def unevenness(alpha: float) -> float:
        held = deal(ROWS, task(split="dirichlet", alpha_classes=alpha), seed=5)
        largest = [max(Counter(row.completion for row in rows).values()) / len(rows) for rows in held.values()]
        return sum(largest) / len(largest)

    assert unevenness(0.1) > unevenness(100.0) + 0.1


def test_a_small_site_and_a_noisy_one() -> None:
    plain = deal(ROWS, task(), seed=1)
    held = deal(ROWS, task(small_site=0.1, noisy_site=0.3), seed=1)
    assert held["a"] == plain["a"][:10]
    assert (held["b"], held["c"]) == (plain["b"], plain["c"])
    changed = [(new, old) for new, old in zip(held["d"], plain["d"], strict=True) if new != old]
    assert len(changed) == round(0.3 * len(held["d"]))
    assert all(new.prompt == old.prompt and new.completion != old.completion for new, old in changed)
    assert {new.completion for new, _ in changed} <= {row.completion for row in ROWS}


def test_as_many_rows_as_asked_for() -> None:
    assert sum(map(len, deal(ROWS, task(train_items=120), seed=1).values())) == 120
