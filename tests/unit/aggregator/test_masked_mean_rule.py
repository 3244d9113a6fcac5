"""The rule of masked federations by itself; `tests/chain/contracts` compares it with its contract."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fedaggregator.compute.garbage import first_garbage
from fedaggregator.compute.merge import Contribution, MergeError, merge
from fedaggregator.rules import RULES, RuleError, rule_named, rule_of_spec
from fedaggregator.rules.fedavg import FedAvg
from fedaggregator.rules.masked_mean import MaskedMean
from fedprotocol.car import MemoryLeaves
from fedprotocol.numbers import join_leaves, split_leaves
from fedprotocol.spec import load_spec
from support.rule_formulas import INT32, clamped, rounded
from support.specs import MASKED, small_spec

pytestmark = pytest.mark.usefixtures("loops")

RULE = MaskedMean(4, 1000)
ZEROS, PRIOR = np.zeros((1, 4), np.int32), np.zeros((1, 1, 4), np.int32)


def test_the_spec_gives_the_rule_its_numbers() -> None:
    rule = rule_of_spec(load_spec(small_spec(**MASKED)))
    assert rule == RULE and rule.parameters == (4, 1000)
    assert rule_named("masked-mean", (4, 1000)) == RULE
    for name, parameters in (("fedavg", (4, 1000)), ("masked-mean", (4,)), ("masked-mean", (1, 2, 3))):
        with pytest.raises(RuleError, match="takes no parameters like"):
            rule_named(name, parameters)
    for scale, bound in ((16, 1), (-1, 1), (0, 0), (0, 2**15 + 1)):
        with pytest.raises(RuleError, match="out of range"):
            rule_named("masked-mean", (scale, bound))


def test_without_its_numbers_it_averages_nothing() -> None:
    """A scale of zero, or the widest bound, would be a result as good as any, and a wrong one."""
    bare = rule_named("masked-mean")
    assert bare.max_clients(1024, 32) == 64 and bare.sums_bytes(5, 1024, 32) == 4096
    sums = bare.accumulate(None, ZEROS, 1, 0)
    for refused in (
        lambda: bare.finish(sums, PRIOR, 1, 2**16),
        lambda: first_garbage(bare, sums, 1),
        lambda: bare.parameters,
        lambda: MaskedMean(scale=4),
        lambda: MaskedMean(bound=1000),
    ):
        with pytest.raises(RuleError, match="was given none"):
            refused()


def test_masked_updates_merge_into_the_mean_of_what_is_behind_them(tmp_path: Path) -> None:
    """Padding too may be anything, and of the sum only the whole matters: masks here are random and add up to zero."""
    rng, weights, values = np.random.default_rng(3), (1_201, 877, 30), 100
    deltas = [rng.integers(-1000 * w, 1000 * w, values, dtype=np.int32) for w in weights]
    masks = [rng.integers(*INT32, 128, endpoint=True, dtype=np.int32) for _ in weights[1:]]
    masks.append(-np.sum(masks, axis=0, dtype=np.int32))
    prior = rng.integers(*INT32, values, endpoint=True, dtype=np.int32)
    sent = [MemoryLeaves(split_leaves(np.resize(d, 128) + m, 32)) for d, m in zip(deltas, masks, strict=True)]
    given = [Contribution(leaves, weight, 0) for leaves, weight in zip(sent, weights, strict=True)]
    before = MemoryLeaves(split_leaves(prior, 32))
    with merge(RULE, before, given, 32, 40_000, tmp_path / "out", 3) as merged:
        after = join_leaves((merged[i] for i in range(len(merged))), 32, values, zero_padding=False)
    for j in range(values):
        mean = rounded(sum(int(d[j]) for d in deltas) * 2**4, sum(weights))
        assert after[j] == clamped(int(prior[j]) + rounded(mean * 40_000, 2**16))


def test_no_rule_takes_values_of_another_width(tmp_path: Path) -> None:
    for rule, bits, said in ((RULE, 8, "32 bits, not of 8"), (FedAvg(), 32, "8 or 16 bits, not of 32")):
        leaves = MemoryLeaves([bytes(32 * bits // 8)] * 2)
        with pytest.raises(MergeError, match=said):
            merge(rule, MemoryLeaves([bytes(128)] * 2), [Contribution(leaves, 1, 0)], bits, 1, tmp_path / "out")
    for name, rule in RULES.items():
        if name != "masked-mean":
            assert 32 not in rule.bits
            with pytest.raises(RuleError):
                rule.accumulate(None, np.zeros((1, 32), np.int32), 1, 0)


@pytest.mark.parametrize(
    ("values", "sums", "weight", "shift", "said"),
    [
        (ZEROS.view(np.uint32), ZEROS, 1, 0, "masked values are int32"),
        (ZEROS.astype(np.int8), ZEROS, 1, 0, "masked values are int32"),
        (ZEROS[0], ZEROS[0], 1, 0, "masked values are int32"),
        (ZEROS, np.zeros((2, 4), np.int32), 1, 0, "sums are"),
        (ZEROS, ZEROS.astype(np.int64), 1, 0, "sums are"),
        (ZEROS, ZEROS, 2**15 + 1, 0, "weight 32769"),
        (ZEROS, ZEROS, -1, 0, "weight -1"),
        (ZEROS, ZEROS, 1, 1, "no shift, not 1"),
    ],
)
def test_accumulate_refuses(values: np.ndarray, sums: np.ndarray, weight: int, shift: int, said: str) -> None:
    with pytest.raises(RuleError, match=said):
        RULE.accumulate(sums.copy(), values, weight, shift)


@pytest.mark.parametrize(
    ("sums", "prior", "total", "server_lr", "said"),
    [
        (ZEROS, PRIOR, 2**15 + 1, 2**16, "more than 32768"),
        (ZEROS, PRIOR, 0, 2**16, "no weight"),
        (ZEROS, PRIOR, 1, 2**17 + 1, "server_lr"),
        (ZEROS.astype(np.int64), PRIOR, 1, 2**16, "sums are int32"),
        (np.zeros((2, 4), np.int32), PRIOR, 1, 2**16, "the prior"),
    ],
)
def test_finish_refuses(sums: np.ndarray, prior: np.ndarray, total: int, server_lr: int, said: str) -> None:
    with pytest.raises(RuleError, match=said):
        RULE.finish(sums, prior, total, server_lr)


def test_the_largest_sums_leave_no_integer() -> None:
    """Garbage alone can have them, and the contract computes them exactly."""
    rule = MaskedMean(15, 2**15)
    for value in (*INT32, 0, -1, 1):
        sums = np.full((1, 2), value, np.int32)
        for total in (1, 3, 2**15):
            for rate in (1, 2**16, 2**17):
                expected = clamped(7 + rounded(rounded(value * 2**15, total) * rate, 2**16))
                new = rule.finish(sums, np.full((1, 1, 2), 7, np.int32), total, rate)
                assert new.ravel().tolist() == [expected] * 2


def test_sums_of_the_caller_are_its_own() -> None:
    values = np.ones((1, 4), np.int32)
    sums = RULE.accumulate(None, values, 1, 0)
    RULE.accumulate(sums, values, 1, 0)
    assert values.tolist() == [[1] * 4] and sums.tolist() == [[2] * 4]
