"""Log lines: both forms, when which is chosen, and what is in neither."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
import requests
from fedprotocol.errors import FedError
from fedprotocol.printable import printable
from fedprotocol.program import logs
from fedprotocol.program.logs import HIDDEN, LogFormat, hide_in, logging_as, tell_moment
from rich.console import Console
from rich.logging import RichHandler

KEY = "0123456789abcdef0123456789abcdef"
URL = f"http://127.0.0.1:9/v3/{KEY}?project=0123"  # nobody listens there
log = logging.getLogger("fednode")
Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_secrets", set())
    monkeypatch.setattr(logs, "_moment", {})


def objects(capsys: Captured) -> list[dict[str, Any]]:
    said = capsys.readouterr()
    assert said.out == ""
    return [json.loads(line) for line in said.err.splitlines()]


def test_a_line_is_an_object_also_if_the_message_has_several(capsys: Captured) -> None:
    with logging_as(LogFormat.JSON, "fednode", None):
        log.info("loss %.3f in “ß”,\nand more", 1.5)
        log.debug("not at this level")
        tell_moment(3, "train")
        logging.getLogger("fedprotocol.store.kubo").warning("gone")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("of a library", UserWarning, stacklevel=1)
    first, second, third = objects(capsys)
    assert first["message"] == "loss 1.500 in “ß”,\nand more"
    assert (first["level"], first["logger"], "round" in first) == ("info", "fednode", False)
    moment = datetime.fromisoformat(first["time"])
    assert first["time"].endswith("Z") and abs(moment.timestamp() - datetime.now().timestamp()) < 60
    assert (second["level"], second["logger"]) == ("warning", "fedprotocol.store.kubo")
    assert (second["round"], second["phase"]) == (3, "train")
    assert "of a library" in third["message"]


def test_an_exception_is_in_its_line(capsys: Captured) -> None:
    with logging_as(LogFormat.JSON, "fednode", None):
        try:
            raise ValueError("what")
        except ValueError:
            log.exception("unexpected")
    [line] = objects(capsys)
    assert line["exception"].endswith("ValueError: what") and line["exception"].startswith("Traceback")


def test_what_ends_the_program_is_a_line_too(capsys: Captured) -> None:
    with pytest.raises(SystemExit) as ended, logging_as(LogFormat.JSON, "fednode", None):
        raise FedError("there is no keystore: make one")
    assert ended.value.code == 1
    [line] = objects(capsys)
    assert (line["level"], line["message"]) == ("critical", "there is no keystore: make one")
    with pytest.raises(FedError), logging_as(LogFormat.HUMAN, "fednode", None):
        raise FedError("`main` says it")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("choice", "is_terminal", "is_json"),
    [
        (LogFormat.AUTO, False, True),
        (LogFormat.AUTO, True, False),
        (LogFormat.JSON, True, True),
        (LogFormat.HUMAN, False, False),
    ],
)
def test_the_form_follows_the_terminal_unless_it_is_chosen(
    choice: LogFormat, is_terminal: bool, is_json: bool, capsys: Captured
) -> None:
    terminal = logging.StreamHandler(sys.stderr) if is_terminal else None
    with logging_as(choice, "fednode", terminal):
        log.warning("hello")
    said = capsys.readouterr().err
    assert said.startswith("{") is is_json
    assert said.endswith("hello\n") is not is_json
    assert said.count("hello") == 1


@pytest.mark.parametrize("choice", [LogFormat.JSON, LogFormat.HUMAN])
def test_the_key_in_an_rpc_url_is_not_in_a_traceback(choice: LogFormat, capsys: Captured) -> None:
    """requests and urllib3 put the path of what they cannot reach into every exception."""
    hide_in(URL, "http://somebody:secret@host:8545", None, "https://host")
    with logging_as(choice, "fednode", None):
        try:
            requests.get(URL, timeout=5)
        except requests.ConnectionError as error:
            assert KEY in str(error), "else this shows nothing"
            log.error("%s", error, exc_info=True)
        log.warning("http://somebody:secret@host:8545 answers")
    said = capsys.readouterr().err
    assert "ConnectionError" in said and HIDDEN in said
    assert KEY not in said and "secret@" not in said


def test_an_unexpected_end_hides_it_too(capsys: Captured) -> None:
    hide_in(URL)
    with pytest.raises(SystemExit), logging_as(LogFormat.JSON, "fednode", None):
        requests.get(URL, timeout=5)
    [line] = objects(capsys)
    assert line["message"] == "unexpected error" and "ConnectionError" in line["exception"]
    assert KEY not in json.dumps(line)


def test_words_are_not_blacked_out(capsys: Captured) -> None:
    hide_in("http://127.0.0.1:8545", "http://127.0.0.1:8545/", "http://host/rpc")
    with logging_as(LogFormat.HUMAN, "fednode", None):
        log.info("no /rpc endpoint")
    assert capsys.readouterr().err.endswith("no /rpc endpoint\n")


@contextmanager
def unseen_by_pytest() -> Iterator[None]:
    """Its handlers keep a test's records for the report, which a lone surrogate cannot be sent in."""
    root = logging.getLogger()
    kept, root.handlers = root.handlers, []
    try:
        yield
    finally:
        root.handlers = kept


RUDE = "no\n12:00:00 INFO    round 9 is final\x1b[2J\u202e\u2028\ud800[red]"


@pytest.mark.parametrize("choice", [LogFormat.JSON, LogFormat.HUMAN])
def test_a_record_is_one_line_of_text_whatever_is_in_it(choice: LogFormat, capsys: Captured) -> None:
    with unseen_by_pytest(), logging_as(choice, "fednode", None):
        log.error("%s", RUDE)
        try:
            raise ValueError(RUDE)
        except ValueError:
            log.exception("what %s", RUDE)
        log.info("x" * 100_000)
    said = capsys.readouterr().err
    assert not [line for line in said.split("\n") if printable(line) != line]
    lines = said.removesuffix("\n").split("\n")
    if choice is LogFormat.JSON:
        assert [json.loads(line)["message"] for line in lines][:2] == [RUDE, f"what {RUDE}"]
        return
    first, second, *trace, last = lines
    assert first.endswith(r"ERROR   no\n12:00:00 INFO    round 9 is final\x1b[2J\u202e\u2028\ud800[red]")
    assert second.endswith(r"[red]") and trace[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") for line in trace) and "    12:00:00 INFO" in "\n".join(trace)
    assert 5000 < len(last) < 10_000


def test_a_terminals_lines_are_text_too() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, color_system=None, width=200)
    with unseen_by_pytest(), logging_as(LogFormat.AUTO, "fednode", RichHandler(console=console, show_path=False)):
        log.error("%s", RUDE)
        log.error("again", exc_info=ValueError(RUDE))
    said = out.getvalue()
    assert r"no\n12:00:00 INFO    round 9 is final\x1b[2J\u202e\u2028\ud800[red]" in said
    assert not [line for line in said.split("\n") if printable(line) != line]
    assert not [line for line in said.split("\n") if line.startswith("12:00:00 INFO")]


@pytest.mark.process
@pytest.mark.parametrize("error", ["FedError", "ValueError"])
@pytest.mark.parametrize("where", ["main", "thread"])
def test_what_ends_a_command_is_text(error: str, where: str) -> None:
    start = {"main": "end()", "thread": "t = threading.Thread(target=end); t.start(); t.join()"}[where]
    script = f"""
import threading
from fedprotocol.errors import FedError
from fedprotocol.program.logs import hide
from fedprotocol.program.terminal import run_program
hide("a secret of many letters")
def end(): raise {error}({RUDE + " a secret of many letters"!a})
def app(): {start}
run_program(app)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == (1 if where == "main" else 0)
    first, *others = done.stderr.removesuffix("\n").split("\n")
    assert not [line for line in (first, *others) if printable(line) != line]
    assert all(line.startswith("  ") for line in others), done.stderr
    assert r"round 9 is final\x1b[2J" in done.stderr and "many letters" not in done.stderr
    if (error, where) == ("FedError", "main"):
        assert first == "error: no" and len(others) == 1
