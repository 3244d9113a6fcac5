"""Waiting is never silent: what takes long says what it is and how far, and a time is that of what it names."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from fednode.daemon.actions import registry as do
from fednode.daemon.model_progress import ModelProgress
from fednode.daemon.reporting import Reporter
from fednode.daemon.status import read_status
from fednode.daemon.wait_reason import Cause
from fedprotocol.chain.amounts import UNITS
from fedprotocol.monitor.health import Health
from fedprotocol.monitor.last_seen import Keeper
from fedprotocol.program.doctor import Check, examined
from fedprotocol.program.slow_work import told_if_slow
from fedprotocol.types import Phase
from support.node_facts import node_facts
from support.snapshots import GENESIS, ME, OTHER, chain, state


def test_it_says_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with told_if_slow("evaluating", first=0.05) as work:
        work.at(120, 300)
        time.sleep(0.2)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "evaluating: 120 of 300, 0 s so far"
    assert re.fullmatch(r"evaluating: \d s in all", said[-1])


def test_doctor_says_what_it_looks_at(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fedprotocol.program.slow_work.told_if_slow.__wrapped__.__defaults__", (0.05,))

    def slow(_: object) -> str:
        time.sleep(0.2)
        return "fine"

    [result] = examined([Check("model", (), slow)], None)
    assert result.ok
    assert "doctor looks at “model”: " in capsys.readouterr().err


class Wall:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_training_is_not_what_is_mostly_imports(tmp_path: Path) -> None:
    """The base model is loaded for 39 s, then the node trains for 5 s."""
    wall, progress, path = Wall(), ModelProgress(), tmp_path / "status.json"
    keeper = Keeper(tmp_path / "chain.json", OTHER, UNITS, lambda: False)
    reporter = Reporter(path, ME, 0, 0, progress, Health(1.0), keeper, now=wall)
    seen, work = chain(state(1, Phase.TRAIN)), do.Train(1, GENESIS)
    facts = node_facts(running=frozenset({work}))
    wait = do.Wait(Cause.WORK, work.describe(), 0, work.leads_to)
    with progress.during("loading the base model"):
        reporter.activity(seen, facts, wait)
        wall.now += 39
        reporter.activity(seen, facts, wait)
        loading = read_status(path)
    reporter.activity(seen, facts, wait)
    wall.now += 5
    reporter.activity(seen, facts, wait)
    training = read_status(path)
    assert loading is not None and training is not None
    assert loading.activity == "training for round 1: loading the base model"
    assert loading.updated - loading.since == 39
    assert training.activity == "training for round 1"
    assert training.updated - training.since == 5
