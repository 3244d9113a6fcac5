"""What `make setup` says while it installs: a few lines, whatever the installers print."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
from support.documents import ROOT

PROGRESS: dict[str, Any] = runpy.run_path(str(ROOT / "tools" / "setup" / "progress.py"))
UV = """\
Using Python 3.11.7 environment at: .venv
Resolved 213 packages in 11.12s
   Building fednode @ file:///work/node
Downloading sympy (6.0MiB)
Downloading torch (514.2MiB)
      Built fednode @ file:///work/node
 Downloaded sympy
 Downloaded torch
Prepared 212 packages in 43.04s
Installed 213 packages in 751ms
"""


def told(lines: str) -> list[str]:
    """What is said after each line."""
    packages = PROGRESS["Packages"]()
    texts = []
    for line in lines.splitlines(keepends=True):
        packages.read(line)
        texts.append(str(packages))
    return texts


def test_uv_is_followed_through_its_phases() -> None:
    assert told(UV) == [
        "choosing versions",
        "fetching 213 packages",
        "fetching 213 packages",
        "fetching sympy (6.0MiB) and 0 more of 213, 0 are here",
        "fetching sympy (6.0MiB) and 1 more of 213, 0 are here",
        "fetching sympy (6.0MiB) and 1 more of 213, 0 are here",
        "fetching torch (514.2MiB) and 0 more of 213, 1 are here",
        "fetching 213 packages",
        "installing 212",
        "installing 212",
    ]


def test_pip_is_named_where_uv_gave_up() -> None:
    lines = "error: no route to host\nuv could not install everything: pip goes on\nCollecting numpy==2.4.6\n"
    assert told(lines)[-1] == "pip looks at numpy"


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
