"""How many values a leaf has where the sponsor does not say."""

from __future__ import annotations

import pytest
from fedaggregator.rules import RULES
from fednode.sponsor.leaf_size import LEAST, MOST, leaf_values_for, pages_of
from fedprotocol.tree import PAGE_LEAVES


@pytest.mark.parametrize(
    ("values", "leaf"),
    [(1, 1024), (460_800, 1024), (2048 * 1024, 1024), (2048 * 1024 + 1, 2048), (5_000_000, 4096), (40_000_000, 8192)],
)
def test_all_digests_are_a_page_if_leaves_can_be_so_large(values: int, leaf: int) -> None:
    assert leaf_values_for(values, RULES["fedavg"], 8) == leaf
    assert pages_of(-(-values // leaf)) == 1 or leaf == MOST


@pytest.mark.parametrize(("name", "bits"), [(name, bits) for name, rule in RULES.items() for bits in rule.bits])
def test_no_rule_loses_sites_by_it(name: str, bits: int) -> None:
    rule = RULES[name]
    for values in (1000, PAGE_LEAVES * LEAST * 3, 10**9):
        assert rule.max_clients(leaf_values_for(values, rule, bits), bits) >= rule.max_clients(LEAST, bits)
