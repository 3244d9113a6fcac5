"""Output where the reader's encoding is not UTF-8: nothing ends a program, and JSON stays JSON."""

from __future__ import annotations

import io
import json
import logging
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from fedprotocol.program.encoding import _asks_for_ascii, json_for, spell_out
from fedprotocol.program.logs import JsonFormatter
from fedprotocol.program.terminal import say, say_error, say_json
from support.documents import ROOT
from support.sites import BIN

ASCII = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
RUDE = "Zürich “ward” → bafy…6dfi 医院 \udce4"


every_encoding = pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])


def console(monkeypatch: pytest.MonkeyPatch, encoding: str) -> io.TextIOWrapper:
    """Standard output and standard error."""
    made = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    monkeypatch.setattr(sys, "stdout", made)
    monkeypatch.setattr(sys, "stderr", made)
    spell_out()
    return made


def written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode(stream.encoding)


@every_encoding
def test_a_line_says_as_much_as_the_encoding_lets_it(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = console(monkeypatch, encoding)
    say(RUDE)
    say_error(RUDE)
    line = written(stream).splitlines()[0]
    if stream.encoding == "ascii":
        assert line == r'Z\xfcrich "ward" -> bafy...6dfi \u533b\u9662 \udce4'
    elif stream.encoding == "latin-1":
        assert line == r'Zürich "ward" -> bafy...6dfi \u533b\u9662 \udce4'
    else:
        assert line == "Zürich “ward” → bafy…6dfi 医院 \\udce4"


@every_encoding
def test_json_is_json_in_every_encoding(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = console(monkeypatch, encoding)
    value = {"name": "Zürich 医院 😀", "cid": "bafy…"}
    say_json(value)
    assert json.loads(written(stream)) == value
    record = logging.LogRecord("fednode", logging.INFO, "", 0, "%s", (value["name"],), None)
    line = JsonFormatter().format(record)
    line.encode(stream.encoding)
    assert json.loads(line)["message"] == value["name"]


def test_a_stream_that_says_no_encoding_takes_all() -> None:
    assert json_for(io.StringIO(), '"ü"') == '"ü"'


@pytest.mark.process
@pytest.mark.parametrize(
    "command",
    [
        ("fednode", "spec", "new", "--help"),
        ("fednode", "status", "-c", "Zürich….toml"),
        ("fedaggregator", "status", "-c", "Zürich….toml"),
        ("fedlab", "experiment", "Zürich….toml"),
    ],
    ids=" ".join,
)
def test_no_program_ends_because_its_terminal_knows_ascii_alone(command: tuple[str, ...], tmp_path: Path) -> None:
    program, *words = command
    done = subprocess.run(
        [str(BIN / program), *words],
        cwd=tmp_path,
        env={**os.environ, **ASCII, "COLUMNS": "80"},
        capture_output=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    said = (done.stdout + done.stderr).decode("ascii")
    assert "Unicode" not in said and "Traceback" not in said
    assert said.startswith("error: ") == (done.returncode != 0), said
    assert (done.returncode == 0) == ("--help" in words)


@pytest.mark.process
def test_nor_does_the_check_that_stands_alone(tmp_path: Path) -> None:
    recheck = [sys.executable, str(ROOT / "tools/recheck.py")]
    done = subprocess.run(
        [*recheck, "http://127.0.0.1:1/ü", "0x" + 40 * "1", "1", "Zürich…"],
        env={**os.environ, **ASCII},
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, b"NOT CHECKED: " in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize(
    ("environment", "asks"),
    [
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True),  # as Python leaves it (PEP 538)
        ({"LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"}, True),
        ({"LC_ALL": "C", "PYTHONIOENCODING": "utf-8"}, False),
        ({"LANG": "de_DE.UTF-8"}, False),
        ({"LANG": "C.UTF-8"}, False),
        ({}, False),
    ],
)
def test_a_locale_that_was_set_to_c_asks_for_ascii(environment: dict[str, str], asks: bool) -> None:
    assert _asks_for_ascii(environment) is asks


@pytest.mark.process
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_a_terminal_in_the_locale_c_gets_ascii(locale: str) -> None:
    program = "from fedprotocol.program.encoding import spell_out; spell_out(); print('bafy…6dfi')"
    controller, terminal = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k not in ("LC_CTYPE", "LANG", "PYTHONIOENCODING")}
    subprocess.run([sys.executable, "-c", program], stdout=terminal, env={**environment, "LC_ALL": locale}, check=True)
    os.close(terminal)
    assert os.read(controller, 100).decode().strip() == ("bafy...6dfi" if locale == "C" else "bafy…6dfi")
    os.close(controller)
