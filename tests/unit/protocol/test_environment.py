"""What of the environment reaches a program: a list that is kept, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fedprotocol.program.environment import is_kept, settled
from support.hostile_environment import HOSTILE

SCRIPT = """
import json, os
from fedprotocol.program import environment
from fedprotocol.program.terminal import run_program

def app():
    import prometheus_client.values as values
    print(json.dumps([dict(os.environ), dict(environment.given()), environment.ignored(), values.ValueClass.__name__]))

run_program(app)
"""


def program(script: str = SCRIPT, **environment: str) -> list[object]:
    """What a program of ours sees, what it was given, what it ignores, and how its figures are kept."""
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == ""
    found: list[object] = json.loads(done.stdout)
    return found


@pytest.mark.process
def test_nothing_of_launchers_and_libraries_reaches_a_program() -> None:
    mine = {"PATH": os.environ["PATH"], "HOME": "/root", "FED_LOG_FORMAT": "json", "HF_HOME": "/models", "LC_ALL": "C"}
    seen, given, ignored, figures = program(**mine, **HOSTILE)
    fixed = {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_DISABLE_TELEMETRY": "1", "TORCHDYNAMO_DISABLE": "1"}
    assert seen == {**mine, **fixed}
    assert given == {**mine, **HOSTILE}
    assert ignored == sorted(HOSTILE.keys() - {"OMP_NUM_THREADS"})
    assert figures == "MutexValue", "prometheus_client writes no files of several processes"


@pytest.mark.process
def test_what_is_on_this_machine_is_excepted_from_a_proxy_for_every_library() -> None:
    seen, _, _, _ = program(HTTPS_PROXY="http://proxy:3128", no_proxy="intern, ::1", HOME="/root")
    assert isinstance(seen, dict)
    assert seen["no_proxy"] == seen["NO_PROXY"] == "intern,::1,localhost,127.0.0.1"
    assert "NO_PROXY" not in program(HOME="/root")[0]  # type: ignore[operator]


@pytest.mark.process
def test_a_user_whom_the_system_does_not_know_has_a_home() -> None:
    """As in a container that runs under a number."""
    unknown = ["unshare", "--map-user=12345", "--map-group=12345"]
    if subprocess.run([*unknown, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine has no user namespaces")
    code = "import os; from fedprotocol.program.terminal import run_program\n"
    code += "run_program(lambda: print(os.environ['HOME']))"
    command = [*unknown, sys.executable, "-c", code]
    done = subprocess.run(command, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True)
    assert done.stdout == "/\n"


def test_elsewhere_what_was_taken_away_comes_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = dict(os.environ)
    with settled():
        assert all(map(is_kept, os.environ))
        assert os.environ["TMPDIR"] == str(tmp_path)
        os.environ["ACCELERATE_USE_FSDP"] = "left behind"
    assert dict(os.environ) == before
