"""Log lines: both forms, when which is chosen, and what is in neither."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from datetime import datetime
from typing import Any

import pytest
import requests
from fedprotocol import logs
from fedprotocol.errors import FedError
from fedprotocol.logs import HIDDEN, LogFormat, hide_in, logging_as, tell_moment

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
