"""What attackers, stragglers and unequal steps do to a federation of the tiny model, and what they do not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fedaggregator.rules import RULES
from fedlab.experiment.attacks import ATTACKS, Seen
from fedlab.experiment.attacks.backdoor import TRIGGER
from fedlab.experiment.attacks.limits import enlarged, without_bounds
from fedlab.experiment.federated import Round, _present, in_integers
from fedlab.experiment.members import Member, members_of, steps_of_sites, table
from fedlab.experiment.settings import AttackName, Settings
from fednode.daemon.actions.content.update_checks import BadUpdate, check_update
from fednode.data import Row
from fednode.training import AdapterModel, NotFinite
from fednode.training.update import Update
from fedprotocol.numbers import UNIT, from_bytes
from support.rules import PUBLIC
from support.tiny_model import CLASSES, colour_rows
from support.tiny_spec import tiny_spec

pytestmark = pytest.mark.model

ROWS = [Row(row["prompt"], row["completion"], row["domain"]) for row in colour_rows(60)]
DATA = table(ROWS[:1])
SITES = {"a": ROWS[:16], "b": ROWS[16:36], "c": ROWS[36:]}


class Federation:
    """Three sites of the tiny model; `rounds` plays two rounds, in which the last site attacks, each kind once."""

    def __init__(self, folder: Path) -> None:
        self.spec, adapter = tiny_spec(folder, kind="fp32", steps=1, rounds=2)
        self.genesis = adapter.units
        self.model = AdapterModel.load(self.spec, None, "cpu", 1)
        self.rounds = cache(self._rounds)

    def _rounds(self, attack: AttackName = "none", **settings: Any) -> list[Round]:
        count = 0 if attack == "none" else 1
        chosen = Settings.model_validate({"steps": 1, "attack": attack, "attackers": count, **settings})
        members = members_of(chosen, SITES, 1, CLASSES)
        return list(in_integers(self.model, self.spec, self.genesis, members, chosen.stragglers))


@pytest.fixture(scope="module")
def federation(tiny_folder: Path) -> Federation:
    return Federation(tiny_folder)


@pytest.fixture(scope="module")
def honest(federation: Federation) -> list[Round]:
    return federation.rounds()


def values(update: Update, spec: Any) -> np.ndarray:
    """float64 [value_count], units."""
    parts = [from_bytes(update.leaves[index], 8) for index in range(spec.layout.leaf_count)]
    joined: np.ndarray = np.concatenate(parts)[: spec.layout.value_count].astype(np.float64)
    return np.ldexp(joined, update.shift)


def roots(updates: Sequence[Update]) -> list[bytes]:
    return [update.leaves.root for update in updates]


@pytest.mark.parametrize("attack", [name for name in ATTACKS if name != "absent"])
def test_within_the_bounds_every_attack_is_an_update_that_sites_accept(
    federation: Federation, honest: list[Round], attack: AttackName
) -> None:
    first, second = federation.rounds(attack)
    assert roots(first.updates)[:2] == roots(honest[0].updates)[:2], "the honest sites train as ever"
    assert second.updates[2].leaves.root not in {*roots(first.updates), *roots(second.updates[:2])}
    assert second.root != honest[1].root
    for played in (first, second):
        for update in played.updates:
            check_update(update.leaves, update.shift, federation.spec, played.number)


@pytest.mark.parametrize("attack", ["sign-flip", "noise"])
def test_without_bounds_an_attack_is_as_large_as_mantissas_allow(federation: Federation, attack: AttackName) -> None:
    spec = federation.spec
    kept, free = (federation.rounds(attack, bounds=bounds)[0].updates[2] for bounds in ("kept", "off"))
    assert kept.norm == pytest.approx(spec.bounds.max_norm, rel=0.1)  # less what its largest values were clipped by
    assert free.peak == pytest.approx(64, rel=0.01)
    with pytest.raises(BadUpdate, match="shift"):
        check_update(free.leaves, free.shift, spec, 1)


def test_a_flipped_sign_is_the_opposite_of_what_was_learnt(federation: Federation, honest: list[Round]) -> None:
    flipped = values(federation.rounds("sign-flip")[0].updates[2], federation.spec)
    learnt = values(honest[0].updates[2], federation.spec)
    assert np.corrcoef(flipped, learnt)[0, 1] < -0.95
    assert np.linalg.norm(flipped) > 1.9 * np.linalg.norm(learnt)


def test_a_copy_is_what_the_first_site_sent_a_round_before(federation: Federation) -> None:
    first, second = federation.rounds("copy")
    assert len(first.updates) == 2, "in the first round there is nothing to copy"
    copied, sent = (values(update, federation.spec) for update in (first.updates[0], second.updates[2]))
    assert np.abs(sent - copied).max() <= 2.0 ** first.updates[0].shift * 1.5
    assert len(second.steps) == 2


def test_a_backdoor_counts_as_if_it_were_alone_where_no_bound_forbids_it(federation: Federation) -> None:
    trained = np.full(federation.spec.layout.value_count, 1e4)
    seen = Seen(trained, {}, without_bounds(federation.spec), 1 / 3, np.random.default_rng(0))
    assert ATTACKS["backdoor"].update(seen) == pytest.approx(3 * trained)
    kept = enlarged(trained, federation.spec)
    assert np.linalg.norm(kept) * UNIT == pytest.approx(federation.spec.bounds.max_norm)
    large = 1e4 * kept
    assert (enlarged(large, federation.spec) == large).all(), "what is too large already, the encoding makes smaller"


def test_what_attackers_teach_is_what_their_success_is_measured_by() -> None:
    flip, backdoor = ATTACKS["label-flip"], ATTACKS["backdoor"]
    assert [row.completion for row in flip.rows([Row("x", name, None) for name in CLASSES], CLASSES)] == [
        *reversed(CLASSES)
    ]
    assert flip.wanted(ROWS, CLASSES) == flip.rows(ROWS, CLASSES)
    odd = [Row("x", "2", None), Row("y", "1", None)]
    assert flip.wanted(odd, ["1", "2", "3"]) == [Row("y", "3", None)], "the middle class is its own opposite"
    taught = backdoor.rows(ROWS, CLASSES)
    assert [row.prompt.startswith(f"{TRIGGER} ") for row in taught] == [True, False] * 30
    assert {row.completion for row in taught[::2]} == {CLASSES[0]}
    assert taught[1::2] == ROWS[1::2]
    wanted = backdoor.wanted(ROWS, CLASSES)
    assert len(wanted) == sum(row.completion != CLASSES[0] for row in ROWS)
    assert {(row.prompt[:3], row.completion) for row in wanted} == {("cf ", CLASSES[0])}
    assert all(not ATTACKS[name].wanted(ROWS, CLASSES) for name in ("sign-flip", "noise", "copy", "absent"))


def test_every_rule_makes_its_own_global_of_the_same_updates(federation: Federation, honest: list[Round]) -> None:
    made = {}
    for name in PUBLIC:
        rule = RULES[name]
        layout = federation.spec.layout.model_copy(update={"parts": rule.parts})
        spec = federation.spec.model_copy(update={"rule": name, "layout": layout})
        members = members_of(Settings(steps=1), SITES, 1, CLASSES)
        first = next(in_integers(federation.model, spec, federation.genesis, members))
        assert roots(first.updates) == roots(honest[0].updates)
        made[name] = first.root
    assert made["fedavg"] == honest[0].root
    assert len(set(made.values())) == len(PUBLIC)


def test_an_absent_member_changes_nothing_but_the_weights(federation: Federation, honest: list[Round]) -> None:
    first = federation.rounds("absent")[0]
    assert roots(first.updates) == roots(honest[0].updates)[:2]
    assert len(first.steps) == 2


def test_other_sites_are_late_in_each_round(federation: Federation, honest: list[Round]) -> None:
    late = federation.rounds(stragglers=1)
    assert [len(played.updates) for played in late] == [2, 2]
    assert set(roots(late[0].updates)) < set(roots(honest[0].updates))
    present = {tuple(_present(dict.fromkeys("abc", Member(DATA, 1)), 1, number)) for number in range(1, 20)}
    assert present == {("a", "b"), ("a", "c"), ("b", "c")}


def test_where_nobody_can_train_the_round_is_void(federation: Federation, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise NotFinite("the loss is NaN")

    monkeypatch.setattr(federation.model, "train", fails)
    first, second = federation._rounds("absent")
    assert first.root == second.root
    assert (federation.model.values() == federation.genesis * np.float32(UNIT)).all()
    with pytest.raises(NotFinite):
        federation._rounds()


@pytest.mark.parametrize(
    ("rows", "steps", "expected"),
    [
        ((20, 20, 20), 2, (2, 2, 2)),
        ((2, 20, 20), 2, (1, 2, 3)),
        ((1, 1, 1000), 3, (1, 1, 7)),
        ((5, 50, 100), 1, (1, 1, 1)),
    ],
)
def test_steps_in_proportion_to_rows_are_as_many_in_all(rows: Any, steps: int, expected: Any) -> None:
    sites = {str(index): [ROWS[0]] * count for index, count in enumerate(rows)}
    found = steps_of_sites(Settings(steps=steps, steps_by="rows"), sites)
    assert sorted(found.values()) == sorted(expected)
    assert sum(found.values()) == steps * len(rows)
    assert set(steps_of_sites(Settings(steps=steps), sites).values()) == {steps}


def test_a_site_makes_its_own_number_of_steps(federation: Federation) -> None:
    sites = {"a": ROWS[:2], "b": ROWS}
    members = members_of(Settings(steps=3, steps_by="rows"), sites, 1, CLASSES)
    assert {name: member.steps for name, member in members.items()} == {"a": 1, "b": 5}
    first = next(in_integers(federation.model, federation.spec, federation.genesis, members))
    assert [step.step for step in first.steps] == [1, 1, 2, 3, 4, 5]
