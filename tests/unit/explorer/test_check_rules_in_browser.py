"""Every rule, computed three times: by the programs, by the check in the visitor's browser, and by tools/recheck.py.
They share no code."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fedaggregator.rules import RULES, Rule, rule_named
from fedprotocol.masks.document import MASKED_RULE
from playwright.sync_api import Page
from support.browser_rounds import BrowserRound, random_round
from support.rules import PUBLIC, TESTED

ROOT = Path(__file__).parents[3]
RECHECK = runpy.run_path(str(ROOT / "tools/recheck.py"))
LEAVES, VALUES = 5, 32
WIDEST: dict[str, Rule] = {**RULES, MASKED_RULE: rule_named(MASKED_RULE, (15, 2**15))}
Check = Callable[..., dict[str, Any]]
pytestmark = pytest.mark.process


def test_all_three_know_the_same_rules(check_page: Page) -> None:
    known = check_page.evaluate("() => Object.entries(FedRules.RULES).map(([name, {parts}]) => [name, parts])")
    assert dict(known) == {name: RECHECK["PARTS"].get(name, 1) for name in RECHECK["RULES"]}
    assert dict(known) == {name: rule.parts for name, rule in RULES.items()}


IN_PAGE = """([rule, rounds]) => rounds.map(({prior, updates, rate}) => {
    for (const update of updates) update.values = update.mantissas.map((m) => m * 2 ** update.shift);
    return FedRules.RULES[rule].next(prior, updates, rate).after;
})"""


@pytest.mark.parametrize("name", PUBLIC)
def test_the_browser_and_the_program_of_one_file_compute_the_same(check_page: Page, name: str) -> None:
    """Up to 64 updates, of which some are equal, zero, or at the ends of what a mantissa can be."""
    rng, rounds, right = np.random.default_rng(11), [], []
    for count in (*range(1, 10), 16, 33, 64):
        for bits in (8, 16):
            ends = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
            mantissas = rng.integers(ends[0], ends[1], (count, VALUES), endpoint=True)
            mantissas[:, :8] = rng.choice(ends, (count, 8))
            mantissas[:, 8:12] = mantissas[0, 8:12]
            mantissas[rng.random(count) < 0.2] = 0
            shifts = (
                rng.integers(0, 31 - bits, (count, 1), endpoint=True) if count % 2 else np.full((count, 1), 31 - bits)
            )
            weights = rng.choice([1, 2, 3, 1000, 2**20 - 1], (count, 1))
            prior = rng.integers(-(2**31), 2**31, (RECHECK["PARTS"].get(name, 1), VALUES))
            prior[:, ::5] = rng.choice([-(2**31), 0, 2**31 - 1], prior[:, ::5].shape)
            rate = int(rng.choice([1, 50_000, 2**16, 2**17]))
            leaf = RECHECK["Leaf"](prior, mantissas, shifts, weights, rate)
            right.append([part.tolist() for part in RECHECK["RULES"][name](leaf)])
            updates = [
                {
                    "index": i,
                    "weight": int(weights[i, 0]),
                    "shift": int(shifts[i, 0]),
                    "mantissas": mantissas[i].tolist(),
                }
                for i in range(count)
            ]
            rounds.append({"prior": prior.tolist(), "updates": updates, "rate": rate})
    assert check_page.evaluate(IN_PAGE, [name, rounds]) == right


MASKED_IN_PAGE = """(rounds) => rounds.map(({prior, updates, rate, scale, bound}) => {
    const {after, isGarbage} = FedRules.RULES["masked-mean"].next(prior, updates, rate, {scale, bound});
    return [isGarbage, after];
})"""


def test_the_browser_and_the_program_of_one_file_compute_the_same_of_masked_values(check_page: Page) -> None:
    """Up to 64 updates under masks that cancel, with sums as large as they may be, and one unit larger."""
    rng, rounds, right = np.random.default_rng(12), [], []
    for count in (3, 4, 16, 64):
        for scale, bound in ((0, 1), (4, 1000), (15, 2**15)):
            for excess in (0, 1):
                weight = 2**15 // count
                sums = rng.integers(-count * weight * bound, count * weight * bound, VALUES, endpoint=True)
                sums[:4] = count * weight * bound * np.array([1, -1, 1, -1])
                sums[3] -= excess
                sent = rng.integers(-(2**31), 2**31, (count, VALUES))
                sent[-1] = (sums - sent[:-1].sum(0) + 2**31) % 2**32 - 2**31
                prior, rate = rng.integers(-(2**31), 2**31, (1, VALUES)), int(rng.choice([1, 2**16, 2**17]))
                leaf = RECHECK["Leaf"](prior, sent, None, np.full((count, 1), weight), rate, scale, bound)
                updates = [{"index": i, "weight": weight, "values": own.tolist()} for i, own in enumerate(sent)]
                known = {"scale": scale, "bound": bound, "rate": rate}
                rounds.append({"prior": prior.tolist(), "updates": updates, **known})
                if excess:
                    with pytest.raises(RECHECK["Garbage"]):
                        RECHECK["RULES"][MASKED_RULE](leaf)
                    right.append(None)
                else:
                    right.append([part.tolist() for part in RECHECK["RULES"][MASKED_RULE](leaf)])
    answers = check_page.evaluate(MASKED_IN_PAGE, rounds)
    assert [None if is_garbage else after for is_garbage, after in answers] == right


def test_garbage_is_no_global_but_only_if_the_leaves_are_the_updates(check: Check, tmp_path: Path) -> None:
    made = random_round(tmp_path, 5, 6, 32, LEAVES * VALUES - 3, VALUES, rule=TESTED[MASKED_RULE])
    assert check(made)["verdict"] == "right"
    made.manifest["masking"]["bound"] = 1
    answer = check(made)
    assert (answer["verdict"], answer["root"]) == ("unchecked", "")
    assert "the sum of all updates in leaf 0 is out of range" in answer["message"]
    root = made.manifest["updates"][2]["root"]
    made.trees[root][1] = bytes(4 * VALUES)
    assert check(made)["verdict"] == "foreign", "whoever serves the leaves cannot accuse the sites"


@pytest.fixture(params=RULES)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> BrowserRound:
    """A right round of five leaves, of which the programs computed the global."""
    rule = TESTED[request.param]
    return random_round(tmp_path, 5, 6, 8, LEAVES * VALUES - 3, VALUES, rule=rule)


def test_a_right_round(check: Check, made: BrowserRound) -> None:
    answer = check(made, atOnce=2)
    assert (answer["verdict"], answer["root"]) == ("right", made.manifest["global_root"]), answer


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("name", RULES)
def test_the_largest_numbers(check: Check, tmp_path: Path, name: str, bits: int) -> None:
    made = random_round(tmp_path, bits, 32, bits, 2 * VALUES, VALUES, largest=True, rule=WIDEST[name])
    assert check(made)["verdict"] == "right"


def test_a_lie_in_each_part(check: Check, made: BrowserRound) -> None:
    """It is found where it is, and its calculation ends in what is right; of two the one in the first part is told."""
    honest = made.manifest["global_root"]
    for part in range(made.manifest["parts"]):
        right = made.lie(part * LEAVES + 3)
        answer = check(made)
        assert (answer["verdict"], answer["root"]) == ("wrong", right), answer
        first = answer["first"]
        assert (first["part"], first["leaf"], first["value"]) == (part, part * LEAVES + 3, VALUES - 1)
        assert first["claimed"] - first["right"] == 1
        assert any(line.endswith(f"= {first['right']}") for line in first["words"])
        if part:
            made.lie(4)
            assert check(made)["first"]["leaf"] == 4
        made.manifest["global_root"] = honest


@pytest.mark.parametrize("leaf", [3, -1])
def test_a_changed_bit_in_any_part(check: Check, made: BrowserRound, leaf: int) -> None:
    for root, name in (
        (made.manifest["prior_root"], "the global before"),
        (made.manifest["global_root"], "the global's"),
    ):
        kept = list(made.trees[root])
        made.trees[root][leaf] = bytes([kept[leaf][0] ^ 1]) + kept[leaf][1:]
        answer = check(made)
        assert answer["verdict"] == "foreign"
        assert name in answer["message"]
        made.trees[root] = kept


def test_another_rule_gives_another_global(check: Check, made: BrowserRound) -> None:
    own, is_masked = made.manifest["rule"], made.manifest["rule"] == MASKED_RULE
    for name in RECHECK["RULES"]:
        if RECHECK["PARTS"].get(name, 1) == made.manifest["parts"] and name != own:
            made.manifest["rule"] = name
            expected = "unchecked" if is_masked or name == MASKED_RULE else "wrong"
            assert check(made)["verdict"] == expected
