"""Programs seldom look for garbage, which would take a second while they import torch."""

from __future__ import annotations

import subprocess
import sys

import pytest
from fedprotocol.program.garbage import NEW_OBJECTS

PROGRAM = """
import gc
from fedprotocol.program.terminal import run_program
run_program(lambda: print(gc.isenabled(), gc.get_threshold()[0]))
"""


@pytest.mark.process
def test_a_program_seldom_looks_for_garbage() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout == f"True {NEW_OBJECTS}\n"
