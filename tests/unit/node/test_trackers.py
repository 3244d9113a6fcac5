"""The node's figures, handed on: every value once, whatever is killed, fails or hangs; what may not leave stays."""

from __future__ import annotations

import csv
import json
import re
import stat
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import typer
from fednode.cli.track import track
from fednode.config import NodeConfig, load, render
from fednode.daemon.action_context import Tools
from fednode.daemon.policy_now import policy_now
from fednode.doctor import track as doctor
from fednode.doctor.check import NotFit, Patient
from fednode.policy.entries import Told
from fednode.policy.log import Log
from fednode.policy.verdict import Forbidden
from fednode.session import Session
from fednode.site_policy import head_in
from fednode.tracking.chapters import LOSS, SPEED, Chapter, Kind
from fednode.tracking.figure_folder import FigureFolder
from fednode.tracking.follow import follow
from fednode.tracking.permission import allow_and_note, allow_and_note_score, known_spec, practice_on_disk
from fednode.tracking.recipient import Recipient
from fednode.tracking.tracker import Run, TrackerError, open_tracker
from fedprotocol.config import ConfigError
from fedprotocol.errors import FedError
from fedprotocol.journal import Journal
from support.figure_files import STEPS, write_round
from support.hand_clock import Clock
from support.site_policies import COORDINATOR, KEY, approved, policy_file
from support.snapshots import CONFIG as TERMS
from support.snapshots import chain
from support.specs import small_spec

FAR = "https://tracker.example.org"


class Kept:
    """A tool that keeps what it takes, `broken` as many times as said."""

    def __init__(self, broken: int = 0) -> None:
        self.broken = broken
        self.taken: list[str] = []
        self.points = 0

    def take(self, chapters: Sequence[Chapter], before: int) -> None:
        if self.broken:
            self.broken -= 1
            raise ConnectionError("the server is away for a while")
        assert before == self.points
        self.points += sum(len(chapter.points) for chapter in chapters)
        self.taken += [chapter.key for chapter in chapters]

    def close(self) -> None:
        pass


@pytest.fixture
def metrics(tmp_path: Path) -> Path:
    for number in (1, 2):
        write_round(tmp_path / "metrics", number)
    return tmp_path / "metrics"


def run_in(folder: Path) -> Run:
    return Run(folder, "colours", "clinic", "")


def given_to(kept: Kept, folder: Path, clock: Clock) -> Recipient:
    return Recipient("csv", run_in(folder), lambda *_: kept, clock=clock)


def config_in(folder: Path, track: str, more: str = "") -> NodeConfig:
    text = render(
        rpc=["http://127.0.0.1:1"],
        chain_id=5,
        coordinator=COORDINATOR,
        store="dir:store",
        peers=[],
        keystore="key.json",
        train="train.jsonl",
    )
    text = text.replace('keystore = "key.json"', f'signer = "http://127.0.0.1:1"\naddress = "{KEY.address}"')
    (folder / "fednode.toml").write_text(text.replace("[track]\n", f"[track]\n{track}\n") + more)
    return load(folder / "fednode.toml")


def test_chapters_are_what_the_files_say(metrics: Path) -> None:
    first, *_ = chapters = FigureFolder(metrics).chapters()
    kinds = (Kind.TRAINED, Kind.SCORED, Kind.SETTLED)
    assert [(c.round, c.kind) for c in chapters] == [(number, kind) for number in (1, 2) for kind in kinds]
    assert [point.step for point in first.points] == [1, 2, 3, 4, 1]
    assert [point.round for point in first.points] == [0.25, 0.5, 0.75, 1, 1]
    assert first.points[0].values[LOSS] == 7.0 and first.points[0].values[SPEED] == pytest.approx(1001 / 0.5)
    assert dict(first.points[-1].values) == {"round/loss_before": 7.0, "round/loss_after": 6.25}
    assert chapters[3].points[0].step == STEPS + 1, "the second round's steps follow the first one's"
    assert chapters[5].points[0].values == {"round/payout": 32.5, "round/stake": 130.0}
    ended = (metrics / "round_1.csv").stat().st_mtime
    assert first.points[3].at == pytest.approx(ended) and first.points[0].at == pytest.approx(ended - 1.5)


def test_a_file_that_is_none_of_the_node_s_is_told_and_costs_nothing_else(metrics: Path) -> None:
    told: list[str] = []
    (metrics / "round_1.csv").write_text("step,loss\n1,nan\n")
    (metrics / "round_2.csv.5.partial").write_text("half")
    (metrics / "solo_round_1.csv").write_text("of the site's own model")
    folder = FigureFolder(metrics, told.append)
    assert folder.chapters() == (chapters := folder.chapters())
    assert [c.key for c in chapters] == ["scored/1", "settled/1", "trained/2", "scored/2", "settled/2"]
    assert len(told) == 1 and "round_1.csv" in told[0]


def test_everything_comes_once_also_after_a_restart_and_again_when_it_is_another(metrics: Path) -> None:
    kept, clock, folder = Kept(), Clock(), FigureFolder(metrics)
    for _ in range(2):
        given_to(kept, metrics.parent / "track", clock).offer(folder.chapters())
    assert Counter(kept.taken) == Counter(chapter.key for chapter in folder.chapters())
    write_round(metrics, 3)
    steps = (metrics / "round_2.csv").read_text()
    (metrics / "round_2.csv").write_text(steps.replace("3.5,", "3.625,"))  # trained again, after a re-org
    given_to(kept, metrics.parent / "track", clock).offer(folder.chapters())
    assert kept.taken[6:] == ["trained/2", "trained/3", "scored/3", "settled/3"]


def test_what_a_tool_refuses_is_offered_again_after_a_pause(metrics: Path) -> None:
    kept, clock, chapters = Kept(broken=2), Clock(), FigureFolder(metrics).chapters()
    recipient = given_to(kept, metrics.parent / "track", clock)
    for pause in (5, 10):
        with pytest.raises(TrackerError, match=r"csv does not take the figures: the server is away.*training goes on"):
            recipient.offer(chapters)
        recipient.offer(chapters)
        assert not kept.taken, "it rests"
        clock.now += pause
    recipient.offer(chapters)
    assert len(kept.taken) == 6


def test_a_tool_that_hangs_holds_up_no_other_and_no_end(metrics: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Hangs(Kept):
        def take(self, *_: object) -> None:
            threading.Event().wait(20)

    kept, folder = Kept(), FigureFolder(metrics)
    hangs = Recipient("wandb", run_in(metrics.parent / "a"), lambda *_: Hangs())
    works = Recipient("csv", run_in(metrics.parent / "b"), lambda *_: kept)
    looks = iter([False, False, True])
    assert not follow([hangs, works], folder.chapters, lambda: next(looks), every=0.01, last=0.2)
    assert len(kept.taken) == 6
    assert "wandb still works" in caplog.text


def test_an_error_is_said_once(metrics: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Restless(Clock):
        def __call__(self) -> float:
            self.now += 1000
            return self.now

    tries = Kept(broken=10**6)
    looks = iter([False] * 20 + [True])
    broken = Recipient("csv", run_in(metrics.parent), lambda *_: tries, clock=Restless())
    assert not follow([broken], FigureFolder(metrics).chapters, lambda: next(looks), every=0.01)
    assert tries.broken < 10**6 - 1, "it was tried again"
    assert caplog.text.count("the server is away") == 1


def test_the_tables_are_completed_and_not_repeated(metrics: Path, tmp_path: Path) -> None:
    for number in (3, 4):
        tracker = open_tracker("csv", run_in(tmp_path / "csv"))
        tracker.take(FigureFolder(metrics).chapters(), 0)
        write_round(metrics, number)
    steps = list(csv.DictReader((tmp_path / "csv/steps.csv").open()))
    rounds = list(csv.DictReader((tmp_path / "csv/rounds.csv").open()))
    assert [row["step"] for row in steps] == [str(step) for step in range(1, 3 * STEPS + 1)]
    assert [row["round"] for row in rounds] == ["1", "2", "3"]
    assert rounds[2] == {
        "step": "3",
        "round": "3",
        "loss_before": repr(7 / 3),
        "loss_after": repr(7 / 3 - 0.75),
        "global_loss": repr(5 / 3),
        "global_accuracy": "0.4375",
        "payout": "33.5",
        "stake": "130.0",
    }


def test_tensorboard_reads_every_value_once_although_its_writer_was_killed(metrics: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    folder, chapters = tmp_path / "board", FigureFolder(metrics).chapters()
    open_tracker("tensorboard", run_in(folder)).take(chapters, 0)
    [file] = (folder / "clinic").iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-3])  # the last event is torn
    for _ in range(2):
        tracker = open_tracker("tensorboard", run_in(folder))
        tracker.take(chapters, 0)
        tracker.close()
    assert [file] == [*(folder / "clinic").iterdir()]
    events = [*EventFileLoader(str(file)).Load()]
    read = Counter((v.tag, e.step, v.tensor.float_val[0]) for e in events for v in e.summary.value)
    points = [point for chapter in chapters for point in chapter.points]
    assert read == Counter((name, p.step, float(np.float32(value))) for p in points for name, value in p.values.items())
    assert events[0].file_version == "brain.Event:2" and len(file.read_bytes()) == len(whole)


def test_a_package_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(TrackerError, match=r"wandb is not installed: pip install 'fednode\[loggers\]'"):
        open_tracker("wandb", run_in(tmp_path))


@pytest.mark.parametrize(
    ("track", "more", "complaint"),
    [
        ('to = ["csv", "csv"]', "", "to names a tool twice"),
        ('to = ["paper"]', "", "track.to"),
        (f'wandb = {{ server = "{FAR}" }}', "", "a server is named for wandb, which `to` does not name"),
        ('to = ["mlflow"]\nmlflow = { server = "https://u:p@host/x" }', "", "key_file is the place for a key"),
        ('to = ["wandb"]\nwandb = { server = "host" }', "", "wandb.server must be an http"),
        (
            f'to = ["wandb"]\nwandb = {{ server = "{FAR}" }}',
            "[privacy]\nnoise = 1.0\nclip = 0.1\ndelta = 1e-6\nbudget = 8.0\n",
            "tells nobody exact losses",
        ),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, track: str, more: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        config_in(tmp_path, track, more)


def with_server(folder: Path) -> NodeConfig:
    config = config_in(folder, f'to = ["mlflow"]\nmlflow = {{ server = "{FAR}" }}')
    config.home.mkdir()
    config.known_spec.write_bytes(small_spec())
    return config


def test_without_a_policy_the_config_decides_and_the_log_says_what_left(metrics: Path) -> None:
    config = with_server(metrics.parent)
    allow_and_note(config, FAR, FigureFolder(metrics).chapters())
    [line] = Log(config.policy_log).read().lines
    told = json.loads(line.entry.model_dump_json())
    assert told["kind"] == "told" and told["to"] == FAR and told["account"] == KEY.address
    assert told["trained"] == told["scored"] == told["settled"] == [1, 2]


@pytest.mark.parametrize(
    ("allowed", "by", "why"),
    [
        ((FAR,), "a person", ""),
        ((), "a person", f"would go to {FAR}, and the policy allows no tracker on another machine"),
        (("https://other.example.org",), "a person", "the policy allows https://other.example.org"),
        ((FAR,), "nobody", "nobody has approved this policy"),
    ],
)
def test_the_policy_decides_where_there_is_one(metrics: Path, allowed: tuple[str, ...], by: str, why: str) -> None:
    folder = metrics.parent
    config = with_server(folder)
    practice = practice_on_disk(config)
    policy = policy_file(practice.spec, trackers=list(allowed))
    (folder / "policy.toml").write_text(policy.text)
    config = config.model_copy(update={"policy": folder / "policy.toml"})
    if by != "nobody":
        Log(config.policy_log).append(approved(policy, spec=practice.spec))
    before = len(Log(config.policy_log).read().lines)
    chapters = FigureFolder(metrics).chapters()
    if why:
        with pytest.raises(Forbidden, match=why):
            allow_and_note(config, FAR, chapters)
    else:
        allow_and_note(config, FAR, chapters)
    assert len(Log(config.policy_log).read().lines) == before + (not why), "what stays here is in no log"


HUB = "hub:hospital/ward-notes"


@pytest.mark.parametrize(
    ("allowed", "why"), [((HUB,), ""), ((FAR,), f"figures of this site would go to {HUB}"), (None, "")]
)
def test_a_score_in_a_model_card_is_a_figure_too(metrics: Path, allowed: tuple[str, ...] | None, why: str) -> None:
    """`fednode push --score`; None: without a policy."""
    config = with_server(metrics.parent)
    practice = practice_on_disk(config)
    if allowed is not None:
        policy = policy_file(practice.spec, trackers=list(allowed))
        (metrics.parent / "policy.toml").write_text(policy.text)
        config = config.model_copy(update={"policy": metrics.parent / "policy.toml"})
        Log(config.policy_log).append(approved(policy, spec=practice.spec))
    with pytest.raises(Forbidden, match=why) if why else nullcontext():
        allow_and_note_score(config, practice, HUB, 2)
    told = [line.entry for line in Log(config.policy_log).read().lines if isinstance(line.entry, Told)]
    assert [(entry.to, entry.scored, entry.trained) for entry in told] == ([] if why else [(HUB, (2,), ())])


def test_the_node_remembers_what_another_process_wrote_into_the_log(metrics: Path) -> None:
    """So that nobody can take such a line away unseen, as is so for the node's own."""
    config = with_server(metrics.parent)
    allow_and_note(config, FAR, FigureFolder(metrics).chapters())
    terms = replace(TERMS, spec_digest=known_spec(config)[1])
    with Journal(config.journal) as journal:
        tools = cast(
            Tools, SimpleNamespace(config=config, sender=SimpleNamespace(address=KEY.address), journal=journal)
        )
        assert policy_now(tools, chain(config=terms)) == ""
        head = head_in(journal)
        assert head == Log(config.policy_log).read().head != ""
        config.policy_log.write_bytes(b"")
        assert policy_now(tools, chain(config=terms)) == "" and head_in(journal) == head, (
            "a cut log is not gone on from"
        )
        assert Log(config.policy_log).read(head).gap == 0


def test_doctor_says_what_is_missing_and_what_may_not_leave(metrics: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_in(metrics.parent, 'to = ["csv", "mlflow"]')
    patient = Patient(cast(Session, SimpleNamespace(config=config)), metrics.parent / "fednode.toml")
    monkeypatch.setattr(doctor, "find_spec", lambda _: None)
    with pytest.raises(NotFit, match="not installed: mlflow") as told:
        doctor.track(patient)
    assert told.value.fix == "pip install 'fednode[loggers]'"
    monkeypatch.setattr(doctor, "find_spec", lambda _: "there")
    assert doctor.track(patient) == f"csv, mlflow: on this machine alone, in {config.tracked}"
    key = metrics.parent / "key"
    key.write_text("secret")
    key.chmod(0o644)
    far = config_in(metrics.parent, f'to = ["mlflow"]\nmlflow = {{ server = "{FAR}", key_file = "key" }}')
    patient = Patient(cast(Session, SimpleNamespace(config=far)), metrics.parent / "fednode.toml")
    with pytest.raises(NotFit, match="others may read") as open_key:
        doctor.track(patient)
    assert "chmod" in open_key.value.fix


def test_by_hand(metrics: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = config_in(metrics.parent, 'to = ["csv"]')
    with pytest.raises(FedError, match="names no tracker"):
        config_in(metrics.parent, "")
        track(metrics.parent / "fednode.toml")
    config = config_in(metrics.parent, 'to = ["csv"]')
    config.home.mkdir()
    metrics.rename(config.metrics)
    track(metrics.parent / "fednode.toml")
    assert f"figures of 2 rounds, for csv; files are in {config.tracked}" in capsys.readouterr().out
    (config.tracked / "csv/rounds.csv").unlink()
    (config.tracked / "csv/rounds.csv").mkdir()
    write_round(config.metrics, 3)
    with pytest.raises(typer.Exit):
        track(metrics.parent / "fednode.toml")


NODE = """
import logging, pathlib, sys, time
from fednode.config import load
from fednode.tracking.start import tracked
logging.basicConfig(level=logging.INFO, stream=sys.stdout)
file = pathlib.Path(sys.argv[1])
with tracked(load(file), file):
    time.sleep(600)
"""


@pytest.mark.process
def test_the_process_beside_a_node_that_is_killed_hands_on_what_is_left_and_ends(metrics: Path) -> None:
    folder = metrics.parent
    config = config_in(folder, 'to = ["csv", "trackio"]\ntrackio = { server = "who/what", key_file = "key" }')
    config.home.mkdir()
    metrics.rename(config.metrics)
    (folder / "key").write_text("hf_secret")
    (folder / "key").chmod(0o600)
    command = [sys.executable, "-c", NODE, str(folder / "fednode.toml")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as node:
        assert node.stdout is not None
        found = re.search(r"handed on to csv, trackio \(process (\d+)\)", node.stdout.readline())
        assert found is not None
        refused = node.stdout.readline()
        write_round(config.metrics, 3)
        node.kill()
    until = time.monotonic() + 60
    while is_there(int(found[1])) and time.monotonic() < until:
        time.sleep(0.1)
    assert not is_there(int(found[1]))
    rows = list(csv.DictReader((config.tracked / "csv/rounds.csv").open()))
    assert [row["round"] for row in rows] == ["1", "2", "3"]
    assert "trackio is given no figures: the federation's spec is not known yet" in refused, "the node logs it"
    assert stat.S_IMODE(config.tracked.stat().st_mode) == 0o700


def is_there(process: int) -> bool:
    """Whether it runs; one that nobody has asked for its end does not."""
    with suppress(OSError):
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    return False
