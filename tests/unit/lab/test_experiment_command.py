"""`fedlab experiment` on the tiny model: every kind of row, stopped and gone on with, changed and run again."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from fedlab.cli.experiment import Wanted, chosen
from fedlab.experiment.definition import load_experiment
from fedlab.experiment.results import read_result
from fednode.base_model import DeviceMissing
from fedprotocol.config import ConfigError
from support import programs
from support.sites import environment
from support.tiny_model import TEMPLATE, colour_rows, write_jsonl

pytestmark = pytest.mark.model

FILE = """
name = "colours"
model = "{model}"
seeds = [1]
curve_items = 8

[training]
rounds = 2
steps = 3
sequence_length = 48
learning_rate = {rate}
quantization = "fp32"

[rows.initial]
kind = "initial"
[rows.single]
kind = "single"
[rows.single-total]
kind = "single"
budget = "total"
[rows.central]
kind = "central"
[rows.fedavg]
[rows.fed-floats]
arithmetic = "floats"
[rows.fed-ffa]
factors = "b"
[rows.fed-rolora]
factors = "alternating"
[rows.fedprox]
proximal_mu = {mu}
[rows.fed-16]
bits = 16
[rows.attacked]
steps_by = "rows"
[rows.nf4]
quantization = "nf4"

[[tasks]]
name = "colours"
data = "data"
sites = 2
test_items = 24
rows = ["initial", "single", "single-total", "central", "fedavg", "fed-floats", "fed-ffa", "fed-rolora", "fedprox",
        "fed-16", "nf4"]

[[tasks]]
name = "two-seeds"
data = "data"
sites = 2
seeds = [1, 2]
test_items = 24
rows = ["fedavg"]

[[tasks]]
name = "attacked"
data = "data"
sites = 2
test_items = 24
attack = "backdoor"
attackers = 1
rounds_times = 2
rows = ["attacked"]

[[tasks]]
name = "absent"
data = "no/such/folder"
rows = ["fedavg"]
"""
TOO_MANY = """
[[tasks]]
name = "too-many"
data = "data"
sites = 2
test_items = 4000
rows = ["fedavg"]
"""
CELLS = 1 + 2 + 2 + 8 + 2 + 1
CURVES = {"initial": [0], "single@cold": [1, 2], "single-total@cold": [2], "central": [1, 2], "fedavg": [1, 2]}


class Running:
    """`fedlab experiment` at work; what it and its processes print goes into a pipe."""

    def __init__(self, folder: Path, *options: str) -> None:
        reader, writer = os.pipe()
        self._printed = os.fdopen(reader)
        with os.fdopen(writer, "wb") as console:
            arguments = ["fedlab", "experiment", "colours.toml", *options]
            self.program = programs.start(arguments, folder, environment(), console, console)

    def printed(self) -> str:
        """All of it, once no process holds the pipe any more."""
        with self._printed:
            text = self._printed.read()
        self.program.wait(60)
        return text


def run(folder: Path, *options: str, status: int = 0) -> str:
    running = Running(folder, *options)
    printed = running.printed()
    assert running.program.returncode == status, printed
    return printed


def write_file(folder: Path, model: Path, rate: float = 5e-3, mu: float = 2.0) -> None:
    (folder / "colours.toml").write_text(FILE.format(model=model, rate=rate, mu=mu))


def cells(folder: Path) -> dict[str, float]:
    return {str(path): path.stat().st_mtime for path in folder.glob("all_losses/experiments/colours/cells/*/*/*.json")}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> tuple[Path, str]:
    """The folder of an experiment that was stopped once, then changed, and ran to its end; and what that printed."""
    folder = tmp_path_factory.mktemp("experiment")
    (folder / "data").mkdir()
    write_jsonl(folder / "data/train.jsonl", colour_rows(160))
    write_jsonl(folder / "data/test.jsonl", colour_rows(40, seed=9))
    (folder / "data/prompt.txt").write_text(TEMPLATE + "\n")
    write_file(folder, tiny_folder, mu=0.5)
    wanted = (word for row in ("initial", "fedprox", "fed-16") for word in ("--only", f"colours/{row}"))
    first = Running(folder, "--processes", "1", *wanted)
    while len(cells(folder)) < 2:
        assert first.program.poll() is None, first.printed()
        time.sleep(0.05)
    first.program.terminate()
    first.printed()  # its processes hold the pipe: they have ended with it
    kept = {path: time for path, time in cells(folder).items() if "/fedprox/" not in path}
    assert len(kept) == len(cells(folder)) - 1 == 1, "it was not stopped on its way"
    write_file(folder, tiny_folder, mu=2.0)
    file = folder / "colours.toml"
    file.write_text(file.read_text() + TOO_MANY)
    for command in (["init", "-q"], ["config", "user.email", "a@b.c"], ["config", "user.name", "a"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    printed = run(folder, "--commit", status=1)
    assert kept.items() <= cells(folder).items(), "what was done was run again"
    log = subprocess.run(["git", "log", "--format=%s", "--name-only"], cwd=folder, capture_output=True, text=True)
    assert log.stdout.count("Result: ") == log.stdout.count(".json") == CELLS - len(kept)
    assert run(folder, "--plan").count("done") == CELLS
    return folder, printed


@pytest.fixture(scope="module")
def done(runs: tuple[Path, str]) -> Path:
    return runs[0]


def results(folder: Path) -> list[dict[str, Any]]:
    return list(json.loads((folder / "all_losses/experiments/colours/results.json").read_text()))


def by_row(folder: Path) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in results(folder):
        found.setdefault(row["row"], []).append(row)
    return found


def test_every_cell_has_its_result(done: Path) -> None:
    rows = by_row(done)
    assert len(results(done)) == CELLS
    assert {name: len(found) for name, found in rows.items() if len(found) > 1} == {"fedavg": 3}
    assert {"single:cold", "single:warm", "single-total:cold", "fedavg", "fed-floats", "nf4"} < rows.keys()
    steps = {name: found[0]["steps_total"] for name, found in rows.items()}
    assert (steps["initial"], steps["single:cold"], steps["single-total:cold"]) == (0, 6, 12)
    assert {steps[name] for name in ("central", "fedavg", "fed-ffa", "fedprox")} == {12}
    assert steps["attacked"] == 24, "the budget is twice as large"
    assert {row["test_items"] for row in results(done)} == {24}
    assert all(row["seconds"] > 0 and row["peak_memory_bytes"] > 1 << 26 for row in results(done))
    assert all(row["loss"] < rows["initial"][0]["loss"] for row in results(done) if row["row"] != "initial")


def test_rows_are_what_they_are_called(done: Path) -> None:
    loss = {name: [row["loss"] for row in found] for name, found in by_row(done).items()}
    sent = {name: found[0]["bytes_sent"] for name, found in by_row(done).items()}
    assert len({losses[0] for losses in loss.values()}) == len(loss), "two rows came out the same"
    assert loss["fed-16"] == pytest.approx(loss["fed-floats"], rel=1e-3), "16 bits are as good as floats"
    assert loss["fedavg"][0] == pytest.approx(loss["fed-floats"][0], rel=2e-2)
    assert sent["central"] == sent["single:cold"] == 0
    assert 1.8 < sent["fed-16"] / sent["fedavg"] < 2.2
    again, other = loss["fedavg"][1:]
    assert again == loss["fedavg"][0], "the same seed gives the same"
    assert other != again, "seeds are alike"


def test_a_curve_is_of_the_same_items_from_the_initial_model_to_the_last_round(done: Path) -> None:
    found = {name: read_result(done / f"all_losses/experiments/colours/cells/colours/{name}/1.json") for name in CURVES}
    assert {name: [point.round for point in of.rounds] for name, of in found.items()} == CURVES
    assert {point.score.items for of in found.values() for point in of.rounds} == {8}
    assert {of.test_items for of in found.values()} == {24}
    assert all(of.rounds[-1].score.loss != of.loss for of in found.values())


def test_an_attacks_success_is_measured_where_there_is_an_attack(done: Path) -> None:
    folder = done / "all_losses/experiments/colours"
    found = {path.parent.name: read_result(path).attack_success for path in folder.glob("cells/*/*/1.json")}
    attacked = found.pop("attacked")
    assert attacked is not None and 0 <= attacked <= 1
    assert set(found.values()) == {None}
    assert "| one member plants a backdoor |" in (folder / "README.md").read_text()


def test_the_page_and_the_plots_are_there(done: Path) -> None:
    folder = done / "all_losses/experiments/colours"
    page = (folder / "README.md").read_text()
    assert "| colours fedavg |" in page
    assert "| nf4: colours nf4 | 1 |" in page
    assert "| fp32: colours fedavg | 1 |" in page
    plots = {path.name for path in (folder / "plots").iterdir()}
    names = {"loss", "accuracy", "rows", "bytes"}
    of_tasks = {f"{task}-{name}.png" for task in ("colours", "two-seeds") for name in names}
    assert plots == of_tasks | {"colours-sites.png", "memory.png"}
    assert all(f"plots/{name}" in page for name in plots)


def test_only_what_changed_and_can_be_done_is_run_again(runs: tuple[Path, str]) -> None:
    _, printed = runs
    assert f"1 cells are done, {CELLS} are left" in printed, "the row that changed, and one that cannot be run"
    assert "task absent is left out: there is no source 'no/such/folder'" in printed
    assert "task too-many: data has 40 test rows, not 4000" in printed
    assert "error: no result for: too-many fedavg 1" in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize(
    ("rounds", "points", "scored"),
    [(5, 5, {1, 2, 3, 4, 5}), (12, 5, {3, 5, 8, 10, 12}), (3, 5, {1, 2, 3}), (12, 1, {12}), (1, 5, {1})],
)
def test_curves_are_scored_evenly_and_at_the_end(tmp_path: Path, rounds: int, points: int, scored: set[int]) -> None:
    write_file(tmp_path, tmp_path)
    experiment = load_experiment(tmp_path / "colours.toml").model_copy(update={"curve_points": points})
    task = experiment.tasks[0]
    assert experiment.scored_rounds(task, rounds) == scored
    assert experiment.scored_rounds(task.model_copy(update={"curve_items": 0}), rounds) == {rounds}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("steps = 3", "stepps = 3"), "training.stepps"),
        (('"nf4"]', '"nothing"]'), "task colours names rows that \\[rows\\] has not: nothing"),
        (("sites = 2", "sites = 1"), "tasks.0.sites"),
        (('name = "absent"', 'name = "colours"'), "tasks named twice: colours"),
        (('kind = "central"', 'kind = "central"\nbudget = "total"'), 'budget belongs to kind = "single"'),
        (('kind = "central"', "kind = 'central"), "not valid TOML"),
        (("bits = 16", 'rule = "mean"'), "there is no rule 'mean'; the rules are .*fedavg"),
        (("bits = 16", "attackers = 1"), "task colours, row fed-16: attackers are given, but no attack"),
        (("bits = 16", 'attack = "noise"\nattackers = 2'), "of 2 sites at least one must be honest"),
        (('arithmetic = "floats"', 'arithmetic = "floats"\nstragglers = 1'), "no attackers and no stragglers"),
        (("bits = 16", 'stragglers = 1\nsteps_by = "rows"'), "stragglers are measured without attackers"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    write_file(tmp_path, tmp_path)
    file = tmp_path / "colours.toml"
    assert load_experiment(file).name == "colours"
    file.write_text(file.read_text().replace(*change, 1))
    with pytest.raises(ConfigError, match=says):
        load_experiment(file)


@pytest.mark.parametrize(
    ("wanted", "is_there", "device"),
    [("auto", True, "cuda"), ("auto", False, "cpu"), ("cpu", True, "cpu"), ("cuda", True, "cuda")],
)
def test_a_gpu_is_taken_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, wanted: Wanted, is_there: bool, device: str
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: is_there)
    assert chosen(wanted) == device


def test_a_gpu_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(DeviceMissing, match="leave it out"):
        chosen("cuda")


def test_members_that_train_on_ray_come_to_the_same_bits(done: Path, tiny_folder: Path) -> None:
    write_file(done, tiny_folder)
    wanted = ("colours/fedavg", "attacked/attacked")
    on_ray = ("--engine", "ray", "--processes", "2", "--out", "on-ray")
    printed = run(done, *on_ray, *(word for one in wanted for word in ("--only", one)))
    assert "0 cells are done, 2 are left; results in on-ray" in printed
    for one in wanted:
        ours = read_result(done / f"all_losses/experiments/colours/cells/{one}/1.json")
        theirs = read_result(done / f"on-ray/cells/{one}/1.json")
        assert ours.root is not None
        assert (theirs.root, theirs.loss, theirs.steps_total) == (ours.root, ours.loss, ours.steps_total)
