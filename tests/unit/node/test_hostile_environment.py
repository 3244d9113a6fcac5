"""Training computes the same bits whatever clusters, launchers and other programs have put into the environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fednode.data import load_data
from fednode.training import AdapterModel
from support.hostile_environment import HOSTILE
from support.tiny_model import colour_rows, write_jsonl
from support.tiny_spec import tiny_spec

pytestmark = pytest.mark.model

TESTS = Path(__file__).parents[2]
TIMEOUT = 300
PROGRAM = """
import sys
from pathlib import Path
from fedprotocol.program.terminal import run_program

def app():
    import unit.node.test_hostile_environment as own
    import numpy as np
    np.save(sys.argv[2], own.trained(Path(sys.argv[1]), Path(sys.argv[2]).with_suffix(".jsonl")))

run_program(app)
"""


def trained(model: Path, rows: Path) -> Any:
    """What two steps in NF4 change, in units."""
    spec, adapter = tiny_spec(model, "nf4", steps=2)
    loaded = AdapterModel.load(spec, None, "cpu", 1)
    loaded.set_global(adapter.units)
    return loaded.train(spec, load_data(write_jsonl(rows, colour_rows(60))), 1, seed=7).units_delta


@pytest.fixture(scope="module")
def clean(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return trained(tiny_folder, tmp_path_factory.mktemp("clean") / "rows.jsonl")


def test_a_program_of_ours(tiny_folder: Path, clean: Any, tmp_path: Path) -> None:
    """Variables that libraries read while they are loaded count here too."""
    out = tmp_path / "delta.npy"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tiny_folder), str(out)],
        env={**os.environ, **HOSTILE, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,  # a trainer that waits for another process waits for ever
    )
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.load(out), clean)


def test_a_program_of_others_that_uses_the_package(
    tiny_folder: Path, clean: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    np.testing.assert_array_equal(trained(tiny_folder, tmp_path / "rows.jsonl"), clean)
