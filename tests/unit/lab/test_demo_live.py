"""What the demo shows: the live view, its plain form, the final tables."""

from __future__ import annotations

import io
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fedlab.demo import summary
from fedlab.demo.live import NodeLine, ScoreLine, View, amount, changes, render
from fedlab.demo.options import DemoError, Options, Paths, find_root, new_run
from fedlab.demo.progress import left, steps
from fedlab.results.records import GasUse, Payout, Report, RoundRecord, RoundSeconds, Score, summarize
from fednode.live.rounds import RoundLine, clock
from rich.console import Console, RenderableType

ROOT = Path(__file__).resolve().parents[3]
NODE = NodeLine("clinic", "training for round 2", "", 33.0, 5, 8, 0.91, 100.0, 22.5, 123_000, "")
VIEW = View(
    title="Federation on chain 7",
    elapsed=372.0,
    block=345,
    total_rounds=3,
    rounds=(RoundLine(1, "Challenge", "1 proposal", 12), RoundLine(2, "Train", "2 of 4 committed", 800)),
    nodes=(NODE, replace(NODE, name="aggregator", activity="waiting for a proposal", steps=0, loss=None)),
    scores=(ScoreLine(0, 4.1, 0.55, 300), ScoreLine(1, 1.6, None, 225)),
    pool=200.0,
    reserved=100.0,
    gas=5_123_456,
    final_rounds=0,
    left="rounds 1 to 3; then every round is checked once more",
)


def shown(what: RenderableType, width: int = 130) -> str:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(what)
    return out.getvalue()


def test_the_view_shows_phase_countdown_progress_loss_gas_and_money() -> None:
    text = shown(render(VIEW))
    for part in ("round 2 of 3", "2 of 4 committed", "ends in 13:20", "ends in 0:12", "training for round 2", "5/8"):
        assert part in text
    for part in (
        "0.910",
        "22.5",
        "pool 200 (+100 reserved)",
        "5.1M gas",
        "genesis: 4.100, 55 %",
        "round 1: 1.600 (225",
        "left  rounds 1 to 3; then",
    ):
        assert part in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_view_fits_any_terminal(width: int) -> None:
    assert all(len(line) <= width for line in shown(render(VIEW), width).splitlines())


def test_what_programs_say_is_text() -> None:
    rude = "no\x1b[2J\n[red]12:00 round 9 is final\u202e"
    view = replace(VIEW, nodes=(replace(NODE, activity=rude, meanwhile=f"2{rude}", problem=f"3{rude}"),))
    for text in (shown(render(view), 300), "\n".join(changes(None, view))):
        assert r"3no\x1b[2J\n[red]12:00 round 9" in text
        assert "\x1b" not in text and "\u202e" not in text and "\n[red]" not in text


def test_a_void_round_and_a_dead_node_are_loud() -> None:
    view = replace(
        VIEW,
        rounds=(RoundLine(1, "Void", "too few reveals", None),),
        nodes=(replace(NODE, problem="ended with exit status 1"),),
    )
    text = shown(render(view))
    assert "void: too few reveals" in text
    assert "ended with exit status 1" in text


def test_markup_in_what_a_program_says_is_only_text() -> None:
    view = replace(VIEW, nodes=(replace(NODE, activity="[bold]x[/nope] [/]", problem="[red]"),))
    assert "[bold]x[/nope] [/]" in shown(render(view))


def test_without_a_terminal_only_what_is_new_is_told() -> None:
    first = changes(None, VIEW)
    assert any("round 2 of 3: Train, 2 of 4 committed" in line for line in first)
    assert any("clinic: training for round 2" in line for line in first)
    assert any("left: rounds 1 to 3" in line for line in first)
    assert not any("waiting" in line for line in first)
    assert changes(VIEW, replace(VIEW, elapsed=380.0, block=350)) == []
    solo = replace(NODE, activity="waiting for a proposal", meanwhile="training the site's own model, round 1")
    assert changes(VIEW, replace(VIEW, nodes=(solo,))) == ["[   6:12] clinic: training the site's own model, round 1"]
    own = replace(solo, activity=solo.meanwhile)
    assert changes(VIEW, replace(VIEW, nodes=(own,))) == ["[   6:12] clinic: training the site's own model, round 1"]
    assert shown(render(replace(VIEW, nodes=(own,)))).count("the site's own model") == 1
    final = replace(VIEW, final_rounds=1, left="rounds 2 to 3")
    assert changes(VIEW, final) == ["[   6:12] left: rounds 2 to 3"]
    later = replace(VIEW, rounds=(RoundLine(2, "Reveal", "0 of 4 revealed", 9),), scores=(ScoreLine(2, 1.0, 0.5, 300),))
    assert changes(VIEW, later) == [
        "[   6:12] round 2 of 3: Reveal, 0 of 4 revealed",
        "[   6:12] global of round 2: loss 1.000, accuracy 50.0 % on 300 test items",
    ]


def test_numbers_for_people() -> None:
    assert [clock(s) for s in (-3, 0, 65.9, 3605)] == ["0:00", "0:00", "1:05", "1:00:05"]
    assert [amount(t) for t in (0, 0.004, 22.5, 100, 1234.567)] == ["0", "<0.01", "22.5", "100", "1,234.57"]


def record(number: int, loss: float) -> RoundRecord:
    return RoundRecord(
        round=number,
        root="0x" + 64 * "a",
        cid="bafyrei" + 52 * "b",
        global_loss=loss,
        global_accuracy=0.5,
        by_domain={"medicine": Score(loss=loss, accuracy=0.5, items=300)},
        weights={},
        bytes={},
        gas=1_000_000,
        recomputed_by=("clinic", "bank") if number == 1 else (),
    )


REPORT = Report(
    solo={"clinic": Score(loss=1.25, accuracy=0.375, items=300)},
    paid={"clinic": Payout(rewards=45 * 10**18, bonds_returned=0, claimed=45 * 10**18)},
    gas={"commit": GasUse(calls=4, least=90_000, mean=95_000, most=140_000)},
    peak_memory={"clinic": 2**30},
    seconds=(
        RoundSeconds(round=1, phases={"train": 61, "reveal": 2, "challenge": 12}, next_training=7.25),
        RoundSeconds(round=2, phases={"train": 45, "waiting": 3, "reveal": 1, "challenge": 12}, next_training=None),
    ),
)


@pytest.mark.parametrize("width", [80, 120])
def test_the_final_tables_hold_everything(width: int) -> None:
    rounds = [record(0, 4.0), record(1, 2.0), record(2, 1.0)]
    totals = summarize(rounds, 2, 600.0)
    text = shown(summary.render(rounds, totals, REPORT, ["clinic", "bank"], 18), width)
    for part in ("genesis (before)", "federated, round 2", "clinic alone", "1.250", "37.5 %", "not scored"):
        assert part in text
    for part in ("Seconds by phase", "waiting", "next training", "61", "7.2"):
        assert part in text
    for part in ("2 of 2 nodes", "see below", "95,000", "45", "1,024 MiB", "75 % less", "10:00 in all"):
        assert part in text


def test_without_a_comparison_no_site_alone_is_shown() -> None:
    rounds = [record(0, 4.0), record(1, 2.0)]
    report = REPORT.model_copy(update={"solo": {}})
    text = shown(summary.render(rounds, summarize(rounds, 2, 600.0), report, ["clinic", "bank"], 18), 120)
    assert "federated, round 1" in text
    assert "alone" not in text and "not scored" not in text


def test_next_steps_are_commands_and_say_how_to_compare(tmp_path: Path) -> None:
    paths = Paths(ROOT, tmp_path / "runs" / "x")

    def said(kept: str, compared: bool) -> str:
        return shown(summary.next_steps(paths, tmp_path / "out", paths.site("clinic"), kept, compared), 300)

    assert said("http://127.0.0.1:1", compared=True).count("#") == 3 and said("", compared=True).count("#") == 4
    assert "--compare" not in said("", compared=True)
    assert "make demo DEMO=--compare" in said("", compared=False)


def test_what_is_left_is_said_with_the_time_it_takes() -> None:
    assert left(4, [90.0], 100.0, compare=False) == "rounds 1 to 4; then every round is checked once more"
    paced = "rounds 2 to 4, about 5 minutes at the pace so far; then every round is checked once more"
    assert left(4, [90.0, 190.0], 195.0, compare=False) == paced
    assert left(4, [90.0, 190.0, 230.0, 270.0], 280.0, compare=False).startswith("round 4, about 1 minute at")
    assert left(4, [90.0, 190.0, 230.0, 270.0], 320.0, compare=False).startswith("round 4, less than a minute at")
    assert left(4, [90.0, 190.0, 230.0, 270.0], 900.0, compare=False).startswith("round 4, less than a minute at")
    own = "the sites are paid and score the last model; then the sites' own models are trained and scored; then every"
    assert left(2, [0.0, 50.0, 99.0], 100.0, compare=True).startswith(own)


@pytest.mark.parametrize("terminal", [True, False])
def test_every_step_before_the_first_round_is_counted(terminal: bool) -> None:
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=terminal, color_system=None)
    with steps(console, time.monotonic(), 3) as say:
        say("making the spec")
        say("deploying [the] contracts")
        time.sleep(0.3)
        say("starting")
    lines = out.getvalue().splitlines()
    for line in (
        "[   0:00] 1 of 3: making the spec",
        "[   0:00] 2 of 3: deploying [the] contracts",
        "[   0:00] 3 of 3: starting",
    ):
        assert any(line in shown for shown in lines), lines
    assert ("1 more step before the first round" in out.getvalue()) == terminal


@pytest.mark.parametrize(
    "wrong",
    [
        {"nodes": 1},
        {"nodes": 17},
        {"rounds": 1},
        {"steps": 0},
        {"batch_size": 0},
        {"learning_rate": 0.0},
        {"rule": "krum"},
    ],
)
def test_what_cannot_work_is_refused(wrong: dict[str, Any]) -> None:
    Options().check()
    with pytest.raises(DemoError, match=r"must be|there is no rule 'krum'"):
        replace(Options(), **wrong).check()


def test_runs_in_the_same_second_get_folders_of_their_own(tmp_path: Path) -> None:
    names = {new_run(tmp_path, tmp_path / "out", "20260101-000000")[0].run.name for _ in range(3)}
    assert names == {"20260101-000000", "20260101-000000-2", "20260101-000000-3"}
    (tmp_path / "out" / "20260101-000001").mkdir(parents=True)
    assert new_run(tmp_path, tmp_path / "out", "20260101-000001")[0].run.name == "20260101-000001-2"


def test_the_checkout_is_found_from_anywhere(tmp_path: Path) -> None:
    assert find_root(tmp_path) == ROOT
    assert find_root(ROOT / "contracts") == ROOT
