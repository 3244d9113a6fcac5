"""How long the parts of a round took, and how soon the sites could train again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from fednode.training.step_files import read_steps
from fedprotocol.types import Phase

from fedlab.demo.history import FinalRound
from fedlab.results.records import RoundSeconds

TIMED = tuple(
    phase.name.lower()
    for phase in (Phase.TRAIN, Phase.WAITING, Phase.REVEAL, Phase.ATTEST, Phase.AGGREGATE, Phase.CHALLENGE)
)


def round_seconds(rounds: Iterable[FinalRound], began: Mapping[int, float]) -> tuple[RoundSeconds, ...]:
    """The times of `rounds`. `began`: round -> when the last site began to train for it, in seconds since 1970."""
    return tuple(_seconds(final, began.get(final.number + 1)) for final in rounds)


def began_training(metrics: Iterable[Path]) -> dict[int, float]:
    """Round -> when the last of the sites began with its first step, in seconds since 1970. `metrics`: the sites'
    folders. A node writes the file of a round as soon as its last step is made, so the steps' own time before that.

    Raises: StepFileError.
    """
    began: dict[int, float] = {}
    for folder in metrics:
        for file in folder.glob("round_*.csv"):
            number = int(file.stem.removeprefix("round_"))
            start = file.stat().st_mtime - sum(step.seconds for step in read_steps(file))
            began[number] = max(start, began.get(number, start))
    return began


def _seconds(final: FinalRound, next_began: float | None) -> RoundSeconds:
    phases: dict[str, int] = {}
    for span in final.phases:
        name = span.phase.name.lower()
        if span.end is not None and name in TIMED:
            phases[name] = phases.get(name, 0) + span.end - span.start
    # a Train that no time passed in, with all commits in one block, is no phase of its own
    last_commit = next((span.start for span in final.phases if span.phase is not Phase.TRAIN), None)
    waited = None if next_began is None or last_commit is None else round(next_began - last_commit, 1)
    return RoundSeconds(round=final.number, phases=phases, next_training=waited)
