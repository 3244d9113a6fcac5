"""What `make setup` says while it installs: a few lines, whatever the installers print."""

from __future__ import annotations

import os
import runpy
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support.documents import ROOT

PROGRESS: dict[str, Any] = runpy.run_path(str(ROOT / "tools" / "setup" / "progress.py"))
PIP = """\
Looking in indexes: https://pypi.example/simple
Obtaining file:///work/protocol
  Installing build dependencies: started
Collecting numpy==2.4.6 (from -c constraints.txt (line 78))
  Downloading numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.whl.metadata (6.6 kB)
Requirement already satisfied: six>=1.9 in ./.venv/lib (from x)
Collecting torch
  Downloading torch-2.15.0-cp311-cp311-manylinux_2_28_x86_64.whl (880.1 MB)
Collecting eth-brownie
  Using cached eth-brownie-1.22.2.tar.gz (300 kB)
  Installing build dependencies: started
  Installing build dependencies: still running...
  Installing build dependencies: finished with status 'done'
"""


def told(lines: str, installed: int = 0) -> list[str]:
    """What is said after each line."""
    packages = PROGRESS["Packages"](130, lambda: installed)
    texts = []
    for line in lines.splitlines(keepends=True):
        packages.read(line)
        texts.append(str(packages))
    return texts


def test_pip_is_followed_through_its_phases() -> None:
    texts = told(PIP + "Installing collected packages: six, numpy, torch\nSuccessfully installed numpy-2.4.6\n", 2)
    assert texts[0] == "starting"
    assert "choosing versions, 2 of about 130" in texts, "metadata is not fetched content"
    assert "fetching number 1 of about 130: torch (880.1 MB)" in texts
    assert "fetching number 2 of about 130: eth-brownie (300 kB)" in texts
    assert texts[-4] == "preparing eth-brownie (300 kB), 4 of about 130 chosen"
    assert texts[-1] == "installing, 2 of 3 are in place"


def test_only_what_was_installed_now_is_counted(tmp_path: Path) -> None:
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    for name in ("old-1.dist-info", "new-1.dist-info", "new"):
        (packages / name).mkdir(parents=True)
    start = time.time() - 60
    os.utime(packages / "old-1.dist-info", (start - 60, start - 60))
    assert PROGRESS["installed_since"](tmp_path, start) == 1


@pytest.mark.parametrize(("seconds", "text"), [(4.4, "4 s"), (59.6, "1 min 00 s"), (75, "1 min 15 s")])
def test_durations(seconds: float, text: str) -> None:
    assert PROGRESS["lasted"](seconds) == text


def run(code: str, tmp_path: Path) -> int:
    stage = PROGRESS["Stage"]("2 of 3, chain tools", "usually 15 seconds", PROGRESS["Quiet"])
    teller = PROGRESS["Teller"](stage.title, False, lambda: 80)
    status: int = PROGRESS["run"](stage, [sys.executable, "-c", code], tmp_path / "logs" / "chain.log", teller)
    return status


def test_a_stage_that_works_says_two_lines(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("for n in range(1000): print('noise', n)", tmp_path) == 0
    first, last = capfd.readouterr().out.splitlines()
    assert first == "2 of 3, chain tools: usually 15 seconds"
    assert last.startswith("2 of 3, chain tools: done in ")
    assert (tmp_path / "logs" / "chain.log").read_text().endswith("noise 999\n")


def test_a_stage_that_fails_shows_the_end_of_what_it_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("for n in range(99): print('noise', n)\nraise SystemExit('no such package')", tmp_path) == 1
    out = capfd.readouterr().out
    assert "failed, and this is the end of" in out
    assert "    no such package\n" in out
    assert "noise 98" in out and "noise 1\n" not in out
