"""The CSV of a round's steps: what is written is read back, and what is wrong is named by line."""

from __future__ import annotations

from pathlib import Path

import pytest
from fednode.training import StepRecord
from fednode.training.step_files import StepFileError, read_steps, write_steps

HEAD = "step,loss,lr,tokens,seconds\n"
STEPS = [StepRecord(1, 4.0, 0.002, 384, 4.5), StepRecord(2, 1 / 3, 1e-05, 0, 0.0)]


def test_round_trip(tmp_path: Path) -> None:
    file = tmp_path / "round_1.csv"
    write_steps(file, STEPS)
    assert file.read_text() == f"{HEAD}1,4.0,0.002,384,4.5\n2,0.3333333333333333,1e-05,0,0.0\n"
    assert read_steps(file) == STEPS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "columns must be"),
        ("step,loss\n1,2\n", "columns must be"),
        (f"{HEAD}1,nan,0.1,3,1\n", "line 2: loss"),
        (f"{HEAD}1,2,0.1,3,1\nx,2,0.1,3,1\n", "line 3: step"),
        (f"{HEAD}0,2,0.1,3,1\n", "line 2: step"),
        (f"{HEAD}1,2,0.1,3,-1\n", "line 2: seconds"),
        (f"{HEAD}1,2\n", "line 2: lr"),
        (f"{HEAD}1,2,3,4,5,6\n", "line 2: more values than columns"),
    ],
)
def test_a_wrong_file_is_named_by_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "round_1.csv"
    file.write_text(text)
    with pytest.raises(StepFileError, match=message):
        read_steps(file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StepFileError, match="cannot read"):
        read_steps(tmp_path / "round_1.csv")
