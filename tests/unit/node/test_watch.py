"""`fednode watch`: what it shows of a node, from the node's files alone, in any terminal and without one."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from fednode.config import NodeConfig, load, render
from fednode.daemon.status import Status
from fednode.live.curve import ASCII, BLOCKS, curve
from fednode.live.look import Watcher
from fednode.live.past_rounds import past_rounds
from fednode.live.rounds import RoundLine
from fednode.live.view import NodeView, changes
from fednode.tracking.figure_folder import FigureFolder
from fedprotocol.files.whole import write_whole
from fedprotocol.monitor.last_seen import LastSeen, keep
from fedprotocol.program.status import Problem
from fedprotocol.types import Phase
from rich.console import Console
from support.figure_files import write_round
from support.pseudo_terminal import Terminal
from support.site_policies import COORDINATOR as OTHER
from support.site_policies import KEY
from support.snapshots import NOW, chain, state
from support.specs import small_spec

ME = KEY.address
AT = 1_790_000_000.0  # seconds since 1970
HOSTILE = "clear \x1b[2J and [red]colour"


def config_in(folder: Path) -> NodeConfig:
    text = render(
        rpc=["http://127.0.0.1:1"],
        chain_id=31337,
        coordinator=OTHER,
        store="dir:store",
        peers=["dir:../other"],
        keystore="key.json",
        train="train.jsonl",
    )
    text = text.replace('keystore = "key.json"', f'signer = "http://127.0.0.1:1"\naddress = "{ME}"')
    (folder / "fednode.toml").write_text(text)
    config = load(folder / "fednode.toml")
    config.home.mkdir()
    return config


def status(**changed: object) -> Status:
    said = Status(
        pid=os.getpid(),
        account=ME,
        round=2,
        phase="train",
        activity="training for round 2",
        since=AT - 30,
        until=NOW + 500,
        then="commit",
        meanwhile="evaluating the global of round 1",
        step=3,
        steps=12,
        loss=1.25,
        peers=3,
        problems=(Problem(text=HOSTILE, since=AT - 300, latest=AT),),
        chain_time=NOW,
        updated=AT - 1,
    )
    return said.model_copy(update=changed)


def written(folder: Path, said: Status | None) -> NodeConfig:
    """The files of a node in its second round."""
    config = config_in(folder)
    for number in (1, 2, 3):
        write_round(config.metrics, number)
    (config.metrics / "round_3.csv").unlink()
    config.known_spec.write_bytes(small_spec())
    if said is not None:
        write_whole(config.status, said.model_dump_json())
    seen = chain(state(2, Phase.TRAIN), account=ME, chain_id=config.chain.chain_id)
    keep(
        config.last_seen,
        LastSeen(coordinator=config.chain.coordinator, chain=seen, read=AT - 2, decimals=2, symbol="FED"),
    )
    return config


def shown(view: NodeView, width: int = 120, encoding: str = "utf-8") -> str:
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    Console(file=out, width=width, color_system=None).print(view)
    out.flush()
    return out.buffer.getvalue().decode(encoding)


def look(config: NodeConfig) -> NodeView:
    return Watcher(config, ME, lambda: AT).look()


def test_everything_that_a_person_wants_to_know_is_there(tmp_path: Path) -> None:
    text = shown(look(written(tmp_path, status())))
    for part in (
        *(ME, "round 2 of 3", " Train ", "1 of 2 committed", "ends in 8:18"),
        *("training for round 2", "0:30", "next: commit", "meanwhile", "evaluating the global of round 1"),
        *("3/12", "loss 1.250", "about 1:30 left"),
        *("stake 10 FED", "owed", "in hand", "3 can be read from", "sites hold active seats"),
        *("7.000", "6.250", "5.000", "31.2%", "31.5", "problem", "Ctrl-C leaves"),
    ):
        assert part in text, part
    assert "\x1b[2J" not in text and "[red]colour" in text
    assert "5.000 to 1.667" in text and "█▃▁" in text


def test_a_node_that_does_not_run_is_said_to_be_stopped_with_what_to_do(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    text = " ".join(shown(look(written(tmp_path, status(pid=ended.pid)))).split())
    assert "The node is not running, it was last seen 1 s ago (training for round 2), and round 2 takes commits" in text
    assert "`fednode run` trains and commits" in text
    assert "3/12" not in text and "next: commit" not in text, "what it did then is not what it does"
    assert "5.000 to 1.667" in text, "what it found stays"


def test_a_node_that_hangs_is_said_to_hang(tmp_path: Path) -> None:
    text = shown(look(written(tmp_path, status(updated=AT - 900))))
    assert "has said nothing for 15 min" in text


def test_a_node_that_never_ran(tmp_path: Path) -> None:
    text = " ".join(shown(look(config_in(tmp_path))).split())
    assert f"coordinator {OTHER} on chain 31337" in text
    assert "The node has not run with this config yet" in text and "`fednode run`" in text


@pytest.mark.parametrize("width", [30, 80, 200])
def test_it_fits_any_terminal(tmp_path: Path, width: int) -> None:
    lines = shown(look(written(tmp_path, status())), width).splitlines()
    assert max(map(len, lines)) <= width
    assert any("3/12" in line for line in lines)


def test_a_terminal_that_knows_ascii_alone_gets_ascii(tmp_path: Path) -> None:
    assert "training" in shown(look(written(tmp_path, status())), 80, "ascii")


def test_without_a_terminal_what_is_new_is_a_line(tmp_path: Path) -> None:
    view = look(written(tmp_path, status()))
    first = changes(None, view)
    assert first[0] == "round 2 of 3: Train, 1 of 2 committed"
    assert "training for round 2; next: commit" in first
    assert "round 1: trained, loss 7.000 to 6.250; its global scores loss 5.000, accuracy 31.2%; it paid 31.5" in first
    later = replace(view, lasts=31.0, step=4, problems=tuple(p.replace("5 min", "6 min") for p in view.problems))
    assert changes(view, later) == [], "time that passes is no news"
    moved = replace(
        view, rounds=(RoundLine(2, "Reveal", "0 of 2 revealed", 90),), activity="reveal in round 2", then=""
    )
    assert changes(view, moved) == ["round 2 of 3: Reveal, 0 of 2 revealed", "reveal in round 2"]
    stopped = replace(moved, trouble="The node is not running, it was last seen 3 s ago.")
    assert changes(moved, stopped) == [stopped.trouble]
    assert changes(stopped, replace(stopped, trouble="The node is not running, it was last seen 9 s ago.")) == []
    assert changes(stopped, moved) == ["reveal in round 2"], "it runs again"


def test_past_rounds_know_what_the_files_know(tmp_path: Path) -> None:
    write_round(tmp_path, 2)
    (tmp_path / "rounds.jsonl").unlink()
    [past] = past_rounds(FigureFolder(tmp_path).chapters())
    assert (past.number, past.before, past.after) == (2, 3.5, 2.75)
    assert (past.loss, past.accuracy, past.payout) == (None, None, 32.5)


@pytest.mark.parametrize(
    ("values", "width", "drawn"),
    [([], 5, ""), ([3.0], 5, "▁"), ([1.0, 1.0], 5, "▁▁"), ([0.0, 7.0, 3.0], 5, "▁█▄"), ([9.0, 0.0, 7.0], 2, "▁█")],
)
def test_a_curve(values: list[float], width: int, drawn: str) -> None:
    assert curve(values, width) == drawn
    assert curve(values, width, is_ascii=True) == drawn.translate(str.maketrans(BLOCKS, ASCII))


@pytest.mark.process
def test_at_a_terminal_it_is_drawn_anew_and_ctrl_c_leaves(tmp_path: Path) -> None:
    config = written(tmp_path, status(since=time.time(), updated=time.time()))
    program = "from fednode.cli.app import main; main()"
    terminal = Terminal(sys.executable, "-c", program, "watch", "-c", str(tmp_path / "fednode.toml"), "--every", "0.2")
    try:
        terminal.read_until("3/12")
        write_whole(config.status, status(since=time.time(), updated=time.time(), step=11).model_dump_json())
        terminal.read_until("11/12")
        code, took = terminal.press_ctrl_c()
    finally:
        terminal.close()
    assert code == 130 and took < 5
    assert "Traceback" not in terminal.text and terminal.text.rstrip().endswith("stopped by Ctrl-C")
    assert "\x1b[?25h" in terminal.text, "the cursor is back"
