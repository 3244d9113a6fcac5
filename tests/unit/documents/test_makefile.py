"""What the Makefile's targets would run is there to be run."""

from __future__ import annotations

import re
import subprocess

import pytest
from support.command_lines import make_targets
from support.documents import ROOT

A_FILE = re.compile(r"[\w.-]+(?:/[\w.-]+)+\.(?:py|sh|toml|txt)(?=\s|$)")


@pytest.mark.parametrize("wanted", [sorted(make_targets()), ["claims", "CLAIMS=--quick"]], ids=["all", "quick claims"])
def test_the_files_that_targets_name_are_there(wanted: list[str]) -> None:
    done = subprocess.run(["make", "-n", *wanted], cwd=ROOT, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    named = set(A_FILE.findall(done.stdout))
    assert "tools/export_abi.py" in named or "lab/experiments/quick.toml" in named
    assert {name for name in named if not (ROOT / name).exists()} == set()
