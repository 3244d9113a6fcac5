"""The open rounds in a terminal: their phases in a row, and how much time is left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fedprotocol.chain.read.snapshot import RoundState
from fedprotocol.types import Phase
from rich.text import Text

WIDE = 110
PHASES = ("Train", "Waiting", "Reveal", "Attest", "Aggregate", "Challenge", "Final")


@dataclass(frozen=True)
class RoundLine:
    """A round that is open, or the last one that was settled. `ends_in`: seconds; None if there is no deadline."""

    number: int
    phase: str
    detail: str
    ends_in: int | None


def round_line(state: RoundState, now: int) -> RoundLine:
    """`now`: the chain's time, in seconds."""
    view = state.view
    live = len(state.proposals)
    detail = {
        Phase.TRAIN: f"{view.committed} of {view.active} committed",
        Phase.WAITING: f"{view.matching} of {view.active} commits match" if view.matching else "for the round before",
        Phase.REVEAL: f"{view.revealed} of {view.matching} revealed",
        Phase.ATTEST: f"{view.attested} of {view.revealed} attested",
        Phase.AGGREGATE: f"{view.accepted_mask.bit_count()} updates accepted",
        Phase.CHALLENGE: f"{live} proposal{'s' if live != 1 else ''}",
        Phase.VOID: view.void_reason.name.replace("_", " ").lower(),
    }.get(view.phase, "")
    ends_in = view.phase_end - now if view.phase_end and not view.phase.settled else None
    return RoundLine(state.number, view.phase.name.capitalize(), detail, ends_in)


def clock(seconds: float) -> str:
    """Seconds as a clock shows them: 1:05, 1:00:05."""
    whole = max(0, int(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def phases(line: RoundLine, total: int, is_narrow: bool = False) -> Text:
    """One round of `total`, with the phases that it went through and those that come. `is_narrow`: only with the one
    that it is in, because the terminal has fewer than `WIDE` columns."""
    text = Text.assemble((f"round {line.number} of {total}  ", "bold"))
    if line.phase == "Void":
        return text.append(f"void: {line.detail}", "bold red")
    reached = PHASES.index(line.phase) if line.phase in PHASES else -1
    for position, phase in enumerate(PHASES):
        if position != reached and (phase == "Waiting" or is_narrow):
            continue
        style = "bold black on cyan" if position == reached else "green" if position < reached else "dim"
        text.append(f" {phase} ", style).append(" ")
    text.append(f" {line.detail}")
    if line.ends_in is not None:
        text.append(f"  ends in {clock(line.ends_in)}", "cyan")
    return text


def new_phases(before: Iterable[RoundLine], now: Iterable[RoundLine], total: int) -> list[str]:
    """A line for each round that is in another phase than before."""
    known = {line.number: line.phase for line in before}
    return [
        f"round {line.number} of {total}: {line.phase}" + (f", {line.detail}" if line.detail else "")
        for line in now
        if known.get(line.number) != line.phase
    ]
