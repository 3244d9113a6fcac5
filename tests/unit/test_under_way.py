"""A run of tests that is ended from outside, or that hangs, says at which tests it was."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


@pytest.mark.process
def test_the_test_that_was_under_way_is_named(tmp_path: Path) -> None:
    marker = tmp_path / "began"
    (tmp_path / "test_long.py").write_text(
        "import pathlib, time\ndef test_quick(): pass\ndef test_endless():\n"
        f"    pathlib.Path({str(marker)!r}).touch()\n    time.sleep(600)\n"
    )
    options = ["-p", "support.under_way", "-p", "no:cacheprovider", "-p", "no:pytest-brownie", "-q"]
    running = subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not marker.exists():
        assert running.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    running.terminate()
    said, _ = running.communicate(timeout=60)
    assert running.returncode == -15
    assert "1 tests had ended; under way:" in said
    assert "test_long.py::test_endless" in said and "test_quick" not in said


HANGS = {
    "in Python": "import time\ndef test_endless(): time.sleep(600)\n",
    "with the interpreter's lock": "import ctypes\ndef test_endless(): ctypes.PyDLL(None).sleep(600)\n",
}


@pytest.mark.process
@pytest.mark.parametrize("hang", HANGS)
def test_a_test_that_hangs_ends_and_is_named(hang: str, tmp_path: Path) -> None:
    """With the project's own settings, in a worker, and with seconds in place of minutes."""
    (tmp_path / "test_long.py").write_text(f"{HANGS[hang]}def test_after(): pass\n")
    settings = [f"--override-ini={name}={value}" for name, value in {"timeout": 1, "faulthandler_timeout": 4}.items()]
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-c", TESTS.parent / "pyproject.toml", "--rootdir", tmp_path, "-n", "1"),
            *("-p", "xdist", "-p", "pytest_timeout", "-p", "no:cacheprovider", *settings, tmp_path / "test_long.py"),
        ],
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 1
    assert "FAILED test_long.py::test_endless" in ran.stdout
    assert re.search(r'test_long\.py(:\d+: |", line \d+ in test_endless)', ran.stdout + ran.stderr)
