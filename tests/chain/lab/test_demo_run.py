"""`fedlab demo` itself, on a tiny random model: two at once, one of them interrupted."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from fedlab.demo.recheck import recheck
from fedlab.demo.sites import CLASSES, DOMAINS, TEMPLATE, common_test, deal
from fedlab.results.folder import ResultsFolder
from support.tiny_model import build_tiny_model

ROOT = Path(__file__).resolve().parents[3]
FEDLAB = Path(sys.executable).with_name("fedlab")
SECONDS = 420  # far more than it takes, on two busy cores


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its tokenizer has a token for each class."""
    rows = [json.loads(line) for line in (*common_test(), *(line for site in deal(4) for line in site.train))]
    corpus = [TEMPLATE.replace("{prompt}", row["prompt"]) + row["completion"] for row in rows]
    return build_tiny_model(tmp_path_factory.mktemp("model"), corpus=corpus, vocabulary=2048)


class Demo:
    """One running `fedlab demo`, its output in a file."""

    def __init__(self, folder: Path, model: Path, *arguments: str) -> None:
        folder.mkdir()
        self.out = folder / "losses"
        self.log = folder / "demo.log"
        options = ["--model", str(model), "--out", str(self.out), "--nodes", "2", "--rounds", "2", *arguments]
        command = [str(FEDLAB), "demo", *options]
        with self.log.open("wb") as log:
            self.popen = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)

    @property
    def text(self) -> str:
        return self.log.read_text()

    @property
    def run(self) -> Path:
        return Path(self.text.splitlines()[0].rsplit(" ", 1)[1])

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < deadline, self.text
            assert self.popen.poll() is None, self.text
            time.sleep(0.5)

    def programs(self) -> list[str]:
        """Command lines of every process that works in the run's folder, or has HOME in it."""
        found, inside = [], f"{self.run}/"
        for process in Path("/proc").glob("[0-9]*"):
            try:
                cwd = str((process / "cwd").readlink())
                environment = (process / "environ").read_bytes()
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if command and (f"{cwd}/".startswith(inside) or inside.encode() in environment):
                found.append(command)
        return found


@pytest.fixture(scope="module")
def demos(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Demo, Demo]]:
    """One that is left alone, and one beside it that is interrupted while its nodes start."""
    folder = tmp_path_factory.mktemp("demos")
    whole = Demo(folder / "whole", model, "--learning-rate", "0.01", "--compare", "--rule", "fedavgm")
    broken = Demo(folder / "broken", model)
    try:
        broken.until(lambda: "\n" in broken.text)
        broken.until(lambda: sum("fednode run" in command for command in broken.programs()) == 2)
        assert any("anvil" in command for command in broken.programs())
        broken.popen.send_signal(signal.SIGINT)
        broken.popen.wait(60)
        whole.popen.wait(SECONDS)
        yield whole, broken
    finally:
        for demo in (whole, broken):
            demo.popen.terminate()
            demo.popen.wait(60)


def test_a_run_left_alone_ends_well_and_leaves_nothing_running(demos: tuple[Demo, Demo]) -> None:
    whole, _ = demos
    assert whole.popen.returncode == 0, whole.text
    assert whole.programs() == []
    assert "Try next" in whole.text
    steps = [f"{step} of 8: " in whole.text for step in range(1, 9)]
    assert all(steps), whole.text
    for left in ("left: rounds 1 to 2; then", "left: round 2, ", "left: the sites are paid"):
        assert left in whole.text


def test_its_explorer_shows_it_and_can_be_opened_again(demos: tuple[Demo, Demo]) -> None:
    """Every final global and its score, from the chain that was left, although anvil and the nodes are gone."""
    whole, broken = demos
    for demo in (whole, broken):
        assert re.search(r"The explorer shows it all: http://127\.0\.0\.1:\d+/", demo.text), demo.text
    [folder] = whole.out.iterdir()
    rounds = ResultsFolder.open(folder).rounds()
    with (whole.log.parent / "again.log").open("wb+") as log:
        command = [str(FEDLAB), "explorer", whole.run.name, "--port", "0"]
        again = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            found, deadline = None, time.monotonic() + 60
            while found is None:
                assert again.poll() is None and time.monotonic() < deadline
                time.sleep(0.2)
                found = re.search(r"(http://127\.0\.0\.1:\d+/) shows run", Path(log.name).read_text())
            answer = requests.get(found[1] + "api/federation", timeout=20)
            while answer.status_code == 503 and time.monotonic() < deadline:
                answer = requests.get(found[1] + "api/federation", timeout=20)
            shown = answer.json()
            assert (shown["final"], shown["is_over"]) == (2, True)
            assert [entry["test_loss"] for entry in shown["learned"]] == pytest.approx(
                [record.global_loss for record in rounds]
            )
            assert "clinic" in requests.get(found[1], timeout=20).text
        finally:
            again.send_signal(signal.SIGINT)
            assert again.wait(30) == 0
    assert whole.programs() == []


def test_it_leaves_the_pages_as_files(demos: tuple[Demo, Demo]) -> None:
    whole, _ = demos
    pages = whole.run / "pages"
    assert "clinic" in (pages / "index.html").read_text()
    for number in (1, 2):
        assert json.loads((pages / "api" / "rounds" / f"{number}.json").read_text())["number"] == number
    assert "pages/index.html" in whole.text.replace("\n", "")


def test_its_results_are_whole(demos: tuple[Demo, Demo]) -> None:
    whole, _ = demos
    [folder] = whole.out.iterdir()
    assert folder.name == whole.run.name
    results = ResultsFolder.open(folder)
    totals = results.summary()
    assert totals.final_loss < totals.initial_loss
    assert (totals.rounds_finalized, totals.clients, totals.test_items) == (2, 2, len(common_test()))
    rounds = results.rounds()
    assert [record.round for record in rounds] == [0, 1, 2]
    assert [len(record.recomputed_by) for record in rounds] == [0, 2, 0]
    assert all(set(record.by_domain) == set(DOMAINS.values()) for record in rounds)
    assert all(record.weights == {"clinic": 260, "bank": 260} for record in rounds[1:])
    assert {client: list(steps) for client, steps in results.clients().items()} == {
        "clinic": [1, 2],
        "bank": [1, 2],
    }
    report = results.report()
    assert report is not None
    assert {score.items for score in report.solo.values()} == {len(common_test())}
    assert sum(payout.rewards for payout in report.paid.values()) == 200 * 10**18
    assert all(p.claimed == p.rewards + p.bonds_returned > 0 for p in report.paid.values())
    assert {"join", "commit", "reveal", "attest", "propose", "claim"} <= set(report.gas)
    assert {plot.name for plot in results.plots.iterdir()} == {"loss.png", "accuracy.png", "training.png", "gas.png"}
    info = results.run()
    assert info.config["spec"]["evaluation"]["classes"] == [name.strip() for name in CLASSES]
    assert str(ROOT) not in (folder / "run.json").read_text()


def test_every_round_has_an_audit_bundle_that_holds(demos: tuple[Demo, Demo]) -> None:
    whole, _ = demos
    [folder] = whole.out.iterdir()
    roots = [record.root for record in ResultsFolder.open(folder).rounds()]
    for number in (1, 2):
        assert recheck(whole.run / "audit" / str(number)) == roots[number]


def test_keys_and_passwords_are_private_and_in_no_log(demos: tuple[Demo, Demo]) -> None:
    whole, _ = demos
    passwords = list(whole.run.glob("*/**/password.txt"))
    assert len(passwords) == 3
    for file in passwords:
        assert file.stat().st_mode & 0o77 == 0
        assert (file.parent / "keystore.json").stat().st_mode & 0o77 == 0
        password = file.read_text().strip()
        assert all(password not in log.read_text(errors="replace") for log in whole.run.glob("logs/*.log"))


def test_ctrl_c_stops_all_it_started_and_says_so(demos: tuple[Demo, Demo]) -> None:
    _, broken = demos
    assert broken.popen.returncode == 130
    assert "stopped by SIGINT" in broken.text
    assert "Traceback" not in broken.text
    assert broken.programs() == []
    assert not broken.out.exists()
