"""What privacy costs and what readers learn, measured on the tiny model."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fedlab.experiment.cells import Cell
from fedlab.experiment.definition import Experiment
from fedlab.experiment.federated import in_integers
from fedlab.experiment.members import NotAllDrawn, drawn_in, members_of
from fedlab.experiment.models import Base, Models
from fedlab.experiment.privacy.held_back import held_back
from fedlab.experiment.privacy.masked_view import masked
from fedlab.experiment.privacy.membership import Untrained, losses
from fedlab.experiment.privacy.noise import NoSuchNoise, noise_for, spent
from fedlab.experiment.privacy.randomness import SeededRandomness
from fedlab.experiment.privacy.which_row import picked
from fedlab.experiment.results import CellResult
from fedlab.experiment.run_cell import run_cell
from fedlab.experiment.settings import Settings
from fedlab.experiment.sources import Pool
from fednode.data import Row
from fednode.training import AdapterModel
from support.tiny_model import CLASSES, TEMPLATE, colour_rows
from support.tiny_spec import tiny_spec

pytestmark = pytest.mark.model

ROWS = tuple(Row(row["prompt"], row["completion"], row["domain"]) for row in colour_rows(60))
CHANCE = random.Random(5)
PROMPTS = CHANCE.sample(sorted({row["prompt"] for row in colour_rows(5000)}), 120)
BY_HEART = tuple(Row(prompt, CHANCE.choice(CLASSES), None) for prompt in PROMPTS)  # nothing tells a row's answer
POOL = Pool(BY_HEART[:96], BY_HEART[96:], CLASSES, TEMPLATE)
Run = Callable[[str], CellResult]


def experiment(model: Path) -> Experiment:
    trained = {"rounds": 4, "steps": 4, "batch_size": 8, "learning_rate": 0.02, "sequence_length": 48}
    task: dict[str, Any] = {"data": "here", "split": "even", "sites": 3, "test_items": 20, "train_items": 96}
    few = {**task, "train_items": 60, "held_back": 0.9, "rounds": 1, "steps": 1, "batch_size": 2}  # two rows at a site
    modules = ["q_proj", "v_proj", "up_proj", "down_proj"]
    return Experiment.model_validate(
        {
            "name": "privacy",
            "model": str(model),
            "seeds": [1],
            "curve_items": 0,
            "training": {**trained, "quantization": "fp32", "target_modules": modules},
            "rows": {"fedavg": {}, "noise": {"epsilon": 2.0, "delta": 1e-3}},
            "tasks": [
                {
                    **task,
                    "name": "who",
                    "rows": ["fedavg", "noise"],
                    "held_back": 0.5,
                    "readers": "membership",
                    "rounds": 10,
                    "train_items": 48,
                },
                {**few, "name": "which", "rows": ["fedavg"], "readers": "which-row"},
                {**few, "name": "unread", "rows": ["fedavg"]},
                {**task, "name": "neither", "rows": ["fedavg", "noise"], "rounds": 1},
            ],
        }
    )


@pytest.fixture(scope="module")
def run(tiny_folder: Path) -> Run:
    """Runs a cell, such as "who/fedavg"."""
    found = experiment(tiny_folder)
    models = Models(Base.of(str(tiny_folder), tiny_folder), "cpu", 1)

    def cell(name: str) -> CellResult:
        task, row = name.split("/")
        return run_cell(found, Cell(task, row, 1), POOL, models, lambda *_: None)

    return cell


def test_members_are_told_from_others_of_their_kind_unless_there_is_noise(run: Run) -> None:
    plain, noisy = run("who/fedavg").privacy, run("who/noise").privacy
    assert plain is not None and noisy is not None
    for attack in ("loss", "ratio"):
        known, hidden = plain.membership[attack], noisy.membership[attack]
        assert (known.members, known.others) == (24, 24)
        assert known.area - 4 * known.error > 0.5, "what is learnt by heart is found"
        assert hidden.area < known.area - 0.1
    assert plain.noise == plain.epsilon == {} and plain.which_row == {}
    assert set(noisy.noise) == {"site-1", "site-2", "site-3"}
    assert all(1.9 < epsilon <= 2.0 for epsilon in noisy.epsilon.values())


def test_losses_before_training_are_computed_once_for_the_same_rows_and_first_global(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, adapter = tiny_spec(tiny_folder, kind="fp32")
    model = AdapterModel.load(spec, None, "cpu", 1)
    trained = np.full(adapter.units.size, 0.01, np.float32)
    model.set_values(trained)
    untrained, asked = Untrained(), list[int]()
    score = AdapterModel.item_scores

    def watched(*given: Any) -> Any:
        asked.append(len(given[2]))
        return score(*given)

    monkeypatch.setattr(AdapterModel, "item_scores", watched)
    first = untrained.losses(model, spec, adapter.units, ROWS[:6])
    assert np.array_equal(model.values(), trained)
    assert untrained.losses(model, spec, adapter.units, list(ROWS[:6])) is first and asked == [6]
    assert not np.allclose(losses(model, spec, ROWS[:6]), first), "they are those of the first global"
    model.set_global(adapter.units)
    assert np.array_equal(losses(model, spec, ROWS[:6]), first)
    other = np.full(adapter.units.size, 1 << 16, np.int32)
    assert not np.array_equal(untrained.losses(model, spec, other, ROWS[:6]), first)
    assert len(untrained.losses(model, spec, other, ROWS[:7])) == 7


def test_the_row_of_an_update_is_picked_masks_hide_it_and_the_training_is_as_if_nobody_looked(run: Run) -> None:
    found, unread = run("which/fedavg"), run("unread/fedavg")
    assert found.privacy is not None and found.privacy.membership == {} and unread.privacy is None
    seen = found.privacy.which_row
    assert {view: one.tries for view, one in seen.items()} == {"update": 3, "masked": 3, "globals": 3}
    assert seen["update"].right == 3, "a step on two rows points in the direction of both"
    assert seen["masked"].right <= 1
    assert (found.root, found.loss) == (unread.root, unread.loss)


def test_a_cell_with_noise_comes_out_the_same_again(run: Run) -> None:
    first, again = run("neither/noise"), run("neither/noise")
    assert (first.root, first.loss, first.privacy) == (again.root, again.loss, again.privacy)
    assert first.root != run("neither/fedavg").root


def test_noise_is_the_least_that_keeps_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = noise_for(3.0, 1e-5, 0.1, 40)
    assert spent(noise, 1e-5, 0.1, 40) <= 3.0 < spent(noise - 0.01, 1e-5, 0.1, 40)
    assert noise_for(1e6, 1e-5, 0.1, 1) == 0.3, "no node takes less"
    monkeypatch.setattr("fedlab.experiment.privacy.noise.MOST", 60)
    with pytest.raises(NoSuchNoise, match=r"epsilon = 0.1 needs noise above 0.6: allow more"):
        noise_for(0.1, 1e-5, 0.1, 40)
    with pytest.raises(NoSuchNoise, match="below 1 / 20"):
        members_of(Settings(epsilon=1.0, delta=0.05), {"a": list(ROWS[:20])}, 1, None)


def test_seeded_noise_is_another_in_each_round_and_at_each_site() -> None:
    def made(seed: int, round: int) -> list[float]:
        return SeededRandomness(seed, round).normal(50_000).tolist()

    first = np.array(made(1, 1))
    assert made(1, 1) == first.tolist()
    for other in (made(1, 2), made(2, 1)):
        assert abs(np.corrcoef(first, other)[0, 1]) < 0.02
    assert (first.mean(), first.std()) == (pytest.approx(0, abs=0.02), pytest.approx(1, abs=0.02))
    drawn = SeededRandomness(1, 1).drawn(10_000, 0.3)
    assert len(drawn) == pytest.approx(3000, abs=150) and drawn == sorted(set(drawn))


def test_it_is_known_which_rows_were_drawn(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, adapter = tiny_spec(tiny_folder, kind="fp32", steps=2, rounds=1)
    model = AdapterModel.load(spec, None, "cpu", 1)
    sites = {name: list(ROWS[start::3]) for start, name in enumerate("abc")}
    settings = Settings(rounds=1, steps=2, batch_size=8, epsilon=8.0, delta=1e-3)
    members = members_of(settings, sites, 1, None)
    seen: list[list[int]] = []
    drawn = SeededRandomness.drawn

    def watched(self: SeededRandomness, rows: int, rate: float) -> list[int]:
        seen.append(drawn(self, rows, rate))
        return seen[-1]

    with monkeypatch.context() as changed:
        changed.setattr(SeededRandomness, "drawn", watched)
        next(in_integers(model, spec, adapter.units, members))
    expected = [drawn_in(member, spec, 1) for member in members.values()]
    assert [sorted({*seen[i], *seen[i + 1]}) for i in (0, 2, 4)] == expected
    plain = members_of(Settings(steps=2, batch_size=8), sites, 1, None)["a"]
    with pytest.raises(NotAllDrawn, match="has 20 rows and draws 16"):
        drawn_in(plain, spec, 1)


def test_rows_are_held_back_at_random_and_none_is_lost() -> None:
    sites = {"a": list(ROWS[:30]), "b": list(ROWS[30:])}
    trained, apart = held_back(sites, 0.25, 1)
    assert {name: len(rows) for name, rows in apart.items()} == {"a": 8, "b": 8}
    for name, rows in sites.items():
        assert sorted([*trained[name], *apart[name]], key=repr) == sorted(rows, key=repr)
    assert apart["a"] != sites["a"][:8] and apart["a"] != held_back(sites, 0.25, 2)[1]["a"]
    assert held_back(sites, 0.0, 1) == (sites, {"a": [], "b": []})


def test_masked_updates_add_up_and_look_like_nothing() -> None:
    rng = np.random.default_rng(3)
    deltas = {name: rng.normal(0, 3000, 4096) for name in "abcd"}
    seen = masked(deltas, 256, 2, 7)
    sums = sum(one.astype(np.int64) for one in seen.values())
    total = (np.asarray(sums) + (1 << 31)) % (1 << 32) - (1 << 31)
    mean = sum(deltas.values()) / 4
    assert np.corrcoef(total, mean)[0, 1] > 0.9999
    for name, one in seen.items():
        assert abs(np.corrcoef(one, deltas[name])[0, 1]) < 0.06
        assert np.abs(one).mean() == pytest.approx(1 << 30, rel=0.05)


def test_the_step_in_the_direction_of_what_is_seen_is_picked() -> None:
    steps = [np.array([9.0, 9.0]), np.array([0.1, 0.0]), np.zeros(2)]
    assert picked(np.array([1.0, 0.0]), steps) == 1
    assert picked(np.array([-1.0, -1.0]), steps) == 2
