"""Tables for people: they fit the terminal, say the most important where it is narrow, and everything in a pipe."""

from __future__ import annotations

from typing import Any

import pytest
from fedaggregator.cli.rounds import _table
from fedaggregator.cli.table import Column, Facts, Table, shortened, wrapped
from fedprotocol.tree import cid
from rich.cells import cell_len

CID = cid(bytes(range(32)))
ACCOUNT = "0x" + "5F86CA48" * 5
PHASES = ("final", "challenge", "void: too few commits")


def rounds(phase: str, scored: bool = True) -> Table:
    entry: dict[str, Any] = {
        "round": 128,
        "phase": "void" if phase.startswith("void") else phase,
        "void_reason": phase.removeprefix("void: ").replace(" ", "_"),
        **dict.fromkeys(("active", "committed", "revealed", "attested", "accepted"), 256),
        "global_cid": CID,
        "aggregator": ACCOUNT,
    }
    return _table([entry | ({"loss": 12.3456, "accuracy": 0.29166} if scored else {})])


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("phase", PHASES)
def test_rounds_fit_the_terminal_and_still_say_the_most_important(width: int, phase: str) -> None:
    head, row, *note = rounds(phase).lines(width)
    assert max(map(len, (head, row, *note))) <= width
    for name, value in {"round": "128", "phase": phase, "loss": "12.346", "accuracy": "29.2 %"}.items():
        assert name in head and value in row
    assert "accepted" in head
    assert bool(note) == (" active" not in head or "aggregator" not in head)
    if phase == "final":
        assert "bafy…" in row or CID in row
    if width >= 80 and phase != PHASES[-1]:
        assert "global" in head


def test_a_pipe_gets_whole_values_and_every_column() -> None:
    head, row = rounds("final").lines(None)
    assert row.split() == ["128", "final", "12.346", "29.2", "%", *(["256"] * 5), CID, ACCOUNT]
    assert rounds("final").lines(500) == [head, row]
    assert "loss" not in rounds("final", scored=False).lines(None)[0]


@pytest.mark.parametrize("width", [60, 80, 120, None])
def test_a_cid_is_never_broken(width: int | None) -> None:
    long = f"round 3, root {CID}, client {ACCOUNT}, loss_before 4.5, loss_after 3.2, at 2026-11-28 10:00:00"
    columns = (Column("time"), Column("event"), Column("what", below=True))
    lines = Table(columns, [("10:00", "Revealed", long)], "Events").lines(width)
    assert any(CID in line for line in lines) and any(ACCOUNT in line for line in lines)
    assert " ".join(" ".join(lines[2:]).split()) == f"10:00 Revealed {long}" or width is None
    facts = Facts("A federation", {"latest global": f"{CID} (round 3)", "token": ACCOUNT}).lines(width)
    assert any(CID in line for line in facts)
    assert all(len(line) <= max(width or 999, 80) for line in (*lines, *facts))


def test_wide_letters_and_what_would_be_obeyed() -> None:
    lines = Table((Column("name"), Column("n", right=True)), [("医院", "1"), ("\x1b[2J", "20")]).lines(80)
    assert {cell_len(line) for line in lines} == {11}
    assert "\x1b" not in "".join(lines)


def test_nothing_is_said_to_be_nothing() -> None:
    assert Table((Column("n"),), [], "Updates").lines(80) == ["Updates none yet"]


def test_what_is_short_enough_stays_whole() -> None:
    assert shortened("genesis") == "genesis"
    assert shortened(CID) == f"bafy…{CID[-6:]}"
    assert shortened(ACCOUNT) == f"0x5F86…{ACCOUNT[-6:]}"
    assert wrapped("", 40, "a  ", "   ") == ["a"]
