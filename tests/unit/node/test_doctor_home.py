"""Doctor beside a running program: the journal is in use by the program itself, which is as it should be."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fedaggregator import doctor as aggregators
from fedaggregator.doctor.check import Commands, NotFit
from fednode.doctor import folders
from fednode.doctor.check import Patient

FILE = Path("config.toml")
HOLD = "import sys; from pathlib import Path; from fedprotocol.journal import Journal\n"
HOLD += "with Journal(Path('journal.sqlite')): print('held', flush=True); sys.stdin.read()\n"


@pytest.fixture
def config(tmp_path: Path) -> Any:
    names = ("home", "cache", "metrics", "globals", "updates", "logs")
    paths = dict.fromkeys(names, tmp_path)
    return SimpleNamespace(
        **paths, journal=tmp_path / "journal.sqlite", events=tmp_path / "events", status=tmp_path / "status.json"
    )


@pytest.fixture
def holder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[int]:
    """A process that has the journal, by the words that started it."""
    program, *words = request.param
    (tmp_path / program).write_text(HOLD)
    command = [sys.executable, str(tmp_path / program), *words]
    process = subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    yield process.pid
    process.kill()
    process.communicate()


def node_says(config: Any) -> str:
    return folders.home(Patient(cast(Any, SimpleNamespace(config=config)), FILE))


def aggregator_says(config: Any) -> str:
    patient = SimpleNamespace(config=config, say=Commands("fedaggregator", FILE), running=lambda: None)
    return aggregators.Patient.home(cast(Any, patient))


@pytest.mark.parametrize(
    ("holder", "says", "name"),
    [
        (("fednode", "run", "-c", "config.toml"), node_says, "node"),
        (("fedaggregator", "run"), aggregator_says, "aggregator"),
    ],
    indirect=["holder"],
)
def test_the_program_itself_runs_and_has_written_no_status_yet(config: Any, holder: int, says: Any, name: str) -> None:
    assert says(config) == f"the {name} is running (pid {holder})"


@pytest.mark.parametrize(
    ("holder", "says"),
    [(("fednode", "join"), node_says), (("other", "run"), node_says), (("fednode", "run"), aggregator_says)],
    indirect=["holder"],
)
def test_another_program_has_the_journal(config: Any, holder: int, says: Any) -> None:
    with pytest.raises(NotFit, match=f"in use by another process .pid {holder}.") as found:
        says(config)
    assert found.value.fix == f"kill {holder}"
