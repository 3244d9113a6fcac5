"""The times of a demo's rounds: phases by the chain's clock, and how soon the sites trained again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fedexplorer.history.records import Span
from fedlab.demo.history import FinalRound
from fedlab.demo.round_seconds import began_training, round_seconds
from fednode.training.step_files import write_steps
from fednode.training.types import StepRecord
from fedprotocol.types import Phase


def final(number: int, *phases: Span) -> FinalRound:
    return FinalRound(number, b"", {}, (), (), phases)


ROUND = (
    Span(Phase.TRAIN, 1_000, 1_060),
    Span(Phase.REVEAL, 1_060, 1_062),
    Span(Phase.ATTEST, 1_062, 1_065),
    Span(Phase.AGGREGATE, 1_065, 1_069),
    Span(Phase.CHALLENGE, 1_069, 1_081),
    Span(Phase.FINAL, 1_081, None),
)


def test_phases_are_measured_by_the_chains_clock_and_training_from_the_last_commit() -> None:
    first, last = round_seconds([final(1, *ROUND), final(2, *ROUND)], {1: 1_003.0, 2: 1_066.54})
    assert first.phases == {"train": 60, "reveal": 2, "attest": 3, "aggregate": 4, "challenge": 12}
    assert first.next_training == 6.5
    assert last.next_training is None


def test_a_train_that_took_no_time_is_measured_from_all_the_same() -> None:
    [found] = round_seconds([final(1, *ROUND[1:])], {2: 1_066.5})
    assert found.phases["reveal"] == 2 and found.next_training == 6.5


def test_a_phase_that_came_twice_counts_twice() -> None:
    """A conviction brings a round back from Challenge to Aggregate."""
    again = (*ROUND[:-1], Span(Phase.AGGREGATE, 1_081, 1_091), Span(Phase.CHALLENGE, 1_091, 1_103))
    assert round_seconds([final(1, *again)], {})[0].phases["aggregate"] == 14


def test_training_began_as_long_before_its_file_as_its_steps_took(tmp_path: Path) -> None:
    for site, written, seconds in (("a", 2_000, (3.0, 2.0)), ("b", 2_004, (1.0, 0.5))):
        folder = tmp_path / site
        folder.mkdir()
        steps = [StepRecord(at, 1.0, 0.1, 100, took) for at, took in enumerate(seconds, start=1)]
        write_steps(folder / "round_12.csv", steps)
        os.utime(folder / "round_12.csv", (written, written))
    assert began_training([tmp_path / "a", tmp_path / "b"]) == pytest.approx({12: 2_002.5})
