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


def test_make_reads_it_without_a_warning_and_every_target_has_its_rule() -> None:
    phony = re.search(r"^\.PHONY:(.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert phony is not None
    said = subprocess.run(["make", "--dry-run", "help"], cwd=ROOT, capture_output=True, text=True)
    assert (said.returncode, said.stderr) == (0, "")
    rules = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(phony[1].split()) <= rules
