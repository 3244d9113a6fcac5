"""Every rule in NumPy against the formulas of docs/protocol.md in Python's own integers."""

from __future__ import annotations

import numpy as np
import pytest
from fedaggregator.rules.base import Rule
from support.rule_formulas import leaf
from support.rule_rounds import Round, drawn, most_shift, most_weight
from support.rules import TESTED


@pytest.fixture(params=sorted(TESTED))
def rule(request: pytest.FixtureRequest) -> Rule:
    return TESTED[request.param]


def agrees(rule: Rule, played: Round) -> None:
    assert played.finished(rule).tolist() == leaf(rule.name, played.updates, played.prior, played.server_lr), played


@pytest.mark.parametrize("clients", [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 31, 64])
def test_random_rounds_are_the_formula(rule: Rule, clients: int) -> None:
    rng = np.random.default_rng(clients)
    for _ in range(12 if clients < 10 else 3):
        agrees(rule, drawn(rng, rule, clients, 64))


@pytest.mark.parametrize("sign", [-1, 1])
def test_256_updates_at_all_limits_at_once(rule: Rule, sign: int) -> None:
    for bits in rule.bits:
        mantissa = -(2 ** (bits - 1)) if sign < 0 else 2 ** (bits - 1) - 1
        mantissas = np.full((256, 32), mantissa, f"int{bits}")
        weights, shifts = [most_weight(bits, 256)] * 256, [most_shift(bits)] * 256
        prior = np.resize(np.array([-(2**31), 0, 2**31 - 1], np.int32), (rule.parts, 32))
        for server_lr in (1, 2**16, 2**17):
            agrees(rule, Round(bits, mantissas, weights, shifts, prior, server_lr))


def test_leaves_are_independent(rule: Rule) -> None:
    """Several leaves at once are what each is alone: a proof opens one of them."""
    rng, leaves, values, clients = np.random.default_rng(5), 3, 32, 5
    bits = rule.bits[0]
    ends = np.iinfo(f"int{bits}")
    mantissas = rng.integers(ends.min, ends.max, (clients, leaves, values), ends.dtype, endpoint=True)
    weights = rng.integers(1, most_weight(bits, clients), clients, endpoint=True).tolist()
    shifts = rng.integers(0, most_shift(bits), clients, endpoint=True).tolist()
    prior = rng.integers(-(2**31), 2**31, (rule.parts, leaves, values), dtype=np.int32)
    sums = None
    for m, w, s in zip(mantissas, weights, shifts, strict=True):
        sums = rule.accumulate(sums, m, w, s)
    assert sums is not None
    together = rule.finish(sums, prior, sum(weights), 2**16)
    for index in range(leaves):
        alone = Round(bits, mantissas[:, index], weights, shifts, prior[:, index], 2**16)
        assert (together[:, index] == alone.finished(rule)).all()
        assert alone.finished(rule).tolist() == leaf(rule.name, alone.updates, alone.prior, 2**16)


def test_the_order_of_clients_does_not_matter(rule: Rule) -> None:
    rng = np.random.default_rng(0)
    played = drawn(rng, rule, 9, 64)
    first = played.finished(rule)
    for _ in range(5):
        order = rng.permutation(9)
        weights, shifts = ([values[i] for i in order] for values in (played.weights, played.shifts))
        again = Round(played.bits, played.mantissas[order], weights, shifts, played.prior, played.server_lr)
        assert (again.finished(rule) == first).all()
