"""The results folder: what is written is read back, and what is wrong is named."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from fedlab.demo import summary
from fedlab.results.folder import ResultsFolder
from fedlab.results.plots import draw
from fedlab.results.records import (
    GasUse,
    Payout,
    Report,
    ResultsError,
    RoundRecord,
    RunInfo,
    Score,
    Summary,
    pool,
    summarize,
)
from fednode.training import StepRecord
from fedprotocol.printable import printable
from PIL import Image
from pydantic import ValidationError
from rich.console import Console
from support.documents import ROOT

DOMAINS = ("medicine", "finance", "law", "computing")
SITES = ("clinic", "bank", "law", "computing")


def round_record(number: int, loss: float, accuracy: float | None) -> RoundRecord:
    return RoundRecord(
        round=number,
        root="0x" + f"{number + 1:064x}",
        cid="bafyreib" + "a" * 51,
        global_loss=loss,
        global_accuracy=accuracy,
        by_domain={d: Score(loss=loss + 0.1 * i, accuracy=accuracy, items=75) for i, d in enumerate(DOMAINS)},
        weights=dict.fromkeys(SITES, 260) if number else {},
        bytes=dict.fromkeys(SITES, 480_000) if number else {},
        gas=2_000_000 if number else 0,
        recomputed_by=SITES if 0 < number < 3 else (),
    )


ROUNDS = [round_record(0, 4.0, 0.5), round_record(1, 1.5, 0.6), round_record(2, 0.9, 0.7), round_record(3, 0.5, 0.75)]
REPORT = Report(
    solo={site: Score(loss=1.0 + i / 10, accuracy=0.5, items=300) for i, site in enumerate(SITES)},
    paid={"clinic": Payout(rewards=10**20, bonds_returned=0, claimed=10**20)},
    gas={"commit": GasUse(calls=12, least=90_000, mean=95_000, most=140_000)},
    peak_memory={"clinic": 2**30},
)


@pytest.fixture
def folder(tmp_path: Path) -> ResultsFolder:
    folder = ResultsFolder.create(tmp_path / "run-1")
    folder.write_run(
        RunInfo(
            run="run-1",
            started="2026-01-01T00:00:00Z",
            config={"rounds": 3},
            seeds={"spec": 1},
            base_model={"id": "x", "digest": "0x00"},
            data={"test.jsonl": {"sha256": "00", "rows": 300}},
            versions={"python": "3.11"},
            hardware={"cores": 2},
        )
    )
    folder.write_rounds(ROUNDS)
    folder.write_summary(summarize(ROUNDS, clients=4, seconds_total=612.34))
    folder.write_report(REPORT)
    for i, site in enumerate(SITES):
        for number in (1, 2, 3):
            steps = [
                StepRecord(step=s, loss=4 / (number * s) + i, lr=2e-3, tokens=384, seconds=4.5) for s in range(1, 9)
            ]
            folder.write_steps(site, number, steps)
    return folder


def test_round_trip(folder: ResultsFolder) -> None:
    again = ResultsFolder.open(folder.path)
    assert again.rounds() == ROUNDS
    assert again.run().config == {"rounds": 3}
    assert again.report() == REPORT
    clients = again.clients()
    assert set(clients) == set(SITES)
    assert list(clients["bank"]) == [1, 2, 3]
    assert clients["bank"][2][7] == StepRecord(step=8, loss=4 / 16 + 1, lr=2e-3, tokens=384, seconds=4.5)


def test_a_domain_of_any_characters_is_kept_and_nothing_more(folder: ResultsFolder) -> None:
    """Which the site's data may hold: JSON's escapes keep it, a terminal shows them, plots draw them as text."""
    rude = "law\x85\u2028\x1b[2J$\\frac{$\u202e\n"
    score = Score(loss=1.0, accuracy=0.5, items=75)
    records = [record.model_copy(update={"by_domain": {rude: score}}) for record in ROUNDS]
    folder.write_rounds(records)
    assert folder.rounds() == records
    assert all(printable(line) == line for line in (folder.path / "rounds.jsonl").read_text().split("\n"))
    assert draw(folder)


def test_summary_has_exactly_the_agreed_fields(folder: ResultsFolder) -> None:
    document = json.loads((folder.path / "summary.json").read_text())
    assert document == {
        "initial_loss": 4.0,
        "final_loss": 0.5,
        "loss_reduction_pct": 87.5,
        "initial_accuracy": 0.5,
        "final_accuracy": 0.75,
        "rounds_finalized": 3,
        "clients": 4,
        "test_items": 300,
        "seconds_total": 612.3,
    }
    assert folder.summary() == Summary(**document)


def test_csv_is_plain(folder: ResultsFolder) -> None:
    lines = (folder.path / "clients/clinic/round_1.csv").read_text().splitlines()
    assert lines[0] == "step,loss,lr,tokens,seconds"
    assert lines[1] == "1,4.0,0.002,384,4.5"


def test_a_run_is_never_overwritten(folder: ResultsFolder) -> None:
    with pytest.raises(ResultsError, match="exists already"):
        ResultsFolder.create(folder.path)


@pytest.mark.parametrize("client", ["../evil", "", "a/b", ".hidden", "x" * 65])
def test_a_client_id_cannot_leave_the_folder(folder: ResultsFolder, client: str) -> None:
    with pytest.raises(ResultsError, match="client id"):
        folder.write_steps(client, 1, [])


def test_wrong_rounds_are_named_by_line(folder: ResultsFolder) -> None:
    file = folder.path / "rounds.jsonl"
    good = file.read_text()
    for bad in ("{}", "nonsense", ROUNDS[1].model_dump_json().replace("1.5", "-1.5", 1)):
        file.write_text(good + bad + "\n")
        with pytest.raises(ResultsError, match="line 5"):
            folder.rounds()
    file.write_text(good + good)
    with pytest.raises(ResultsError, match="rise"):
        folder.rounds()


def test_not_a_results_folder(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"no run\.json"):
        ResultsFolder.open(tmp_path)


def test_values_that_cannot_be_are_refused() -> None:
    for bad in ({"loss": math.nan}, {"loss": -1.0}, {"accuracy": 1.5}, {"items": -1}, {"items": 1.5}):
        with pytest.raises(ValidationError):
            Score(**{"loss": 1.0, "accuracy": 0.5, "items": 3} | bad)
    with pytest.raises(ValidationError):
        GasUse(calls=1, least=3, mean=2, most=4)


def test_summary_needs_the_genesis() -> None:
    with pytest.raises(ResultsError, match="genesis"):
        summarize(ROUNDS[1:], 4, 1.0)
    with pytest.raises(ResultsError, match="genesis"):
        summarize([], 4, 1.0)


def test_pool_weights_by_items() -> None:
    whole = pool({"a": Score(loss=1.0, accuracy=1.0, items=1), "b": Score(loss=3.0, accuracy=0.0, items=3)})
    assert whole == Score(loss=2.5, accuracy=0.25, items=4)
    assert pool({"a": Score(loss=1.0, accuracy=None, items=2)}).accuracy is None
    with pytest.raises(ResultsError, match="no test item"):
        pool({"a": Score(loss=1.0, accuracy=None, items=0)})


@pytest.mark.process
def test_plots_come_from_the_files_alone(folder: ResultsFolder) -> None:
    command = [sys.executable, "-m", "fedlab.results.plots", str(folder.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/")
    names = {Path(line).name for line in done.stdout.splitlines()}
    assert names == {"loss.png", "accuracy.png", "training.png", "gas.png"}
    first = {}
    for name in names:
        first[name] = (folder.plots / name).read_bytes()
        with Image.open(folder.plots / name) as image:
            colours = image.convert("RGB").getcolors(1 << 24)
            assert image.width > 800
            assert colours is not None and len(colours) > 20  # something was drawn
    subprocess.run(command, capture_output=True, check=True)
    assert {name: (folder.plots / name).read_bytes() for name in names} == first


@pytest.mark.process
def test_plots_say_what_is_wrong(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "fedlab.results.plots", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode != 0
    assert "no run.json" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_last_tables_of_a_demo_fit_the_terminal_and_cut_no_value(width: int) -> None:
    newest = ResultsFolder.open(sorted((ROOT / "all_losses/demo-runs").iterdir())[-1])
    report, console = newest.report(), Console(width=width)
    clients = [name for name in report.paid if name != "aggregator"]
    with console.capture() as captured:
        console.print(summary.render(newest.rounds(), newest.summary(), report, clients, 18))
    text = captured.get()
    assert max(map(len, text.splitlines())) <= width
    for record in newest.rounds():
        assert f"{record.cid[:10]}…{record.cid[-4:]}" in text and f"{record.global_loss:.3f}" in text
    assert ("  recomputed by" in text) == (width >= 80)
