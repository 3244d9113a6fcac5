"""A run of tests that is ended from outside says at which tests it was."""

from __future__ import annotations

import os
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
