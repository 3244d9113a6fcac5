"""Exceptions that nobody has named, thrown at every command and at every library's border: a line or two, never a
traceback that nobody asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from fedaggregator.cli import app as aggregator
from fedexplorer.cli import app as explorer
from fedlab.cli import app as lab
from fednode.cli import app as node
from fedprotocol.chain.account import keys
from fedprotocol.program.terminal import run_program
from support.command_lines import every_leaf
from support.config_files import rewrite

PROGRAMS = {"fednode": node, "fedaggregator": aggregator, "fedexplorer": explorer, "fedlab": lab}
CONFIG = """
[chain]
rpc = ["http://127.0.0.1:9"]
chain_id = 5
coordinator = "0x1111111111111111111111111111111111111111"
[store]
url = "dir:store"
[account]
keystore = "key.json"
password_file = "password"
"""
DATA = '[data]\ntrain = "rows.jsonl"\ntest = "rows.jsonl"\n'
ROW = '{"prompt": "a", "completion": " b"}\n'
PASSWORD = "long enough"
Words = list[str]


class Unknown(Exception):
    """Of a library's next version."""


def throw(*_: object, **__: object) -> Any:
    raise Unknown("something that\nnobody has foreseen\nin three lines")


def arguments(command: Any) -> Words:
    """Something for everything that must be given."""
    words: Words = []
    for parameter in command.params:
        if parameter.required:
            words += ["1"] if parameter.param_type_name == "argument" else [parameter.opts[0], "1"]
    return words


ALL = [
    pytest.param(program, words, command, id=" ".join((program, *words)))
    for program, module in PROGRAMS.items()
    for words, command in every_leaf(typer.main.get_command(module.app))
]
CONFIGURED = [
    case
    for case in ALL
    if case.values[1] != ("init",) and any(parameter.name == "config" for parameter in case.values[2].params)
]
CHAIN = {"join", "status", "rounds", "claim", "exit", "challenge", "evaluate", "generate", "export", "audit", "run"}


pytestmark = pytest.mark.usefixtures("process_as_before")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a program in a folder with a config, which must fail; what it says on standard error."""
    keys.create(tmp_path / "key.json", PASSWORD, iterations=1024)
    files = {"fednode.toml": CONFIG + DATA, "aggregator.toml": CONFIG, "password": PASSWORD, "rows.jsonl": ROW}
    for name, text in files.items():
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FED_LOG_FORMAT", "human")

    def failing(program: str, *words: str) -> str:
        monkeypatch.setattr(sys, "argv", [program, *words])
        with pytest.raises(SystemExit) as ended:
            run_program(PROGRAMS[program].app)
        assert ended.value.code not in (0, None)
        return capsys.readouterr().err

    return failing


def is_short(said: str) -> bool:
    lines = said.splitlines()
    return said.startswith("error: ") and len(lines) <= 2 and "Traceback" not in said


@pytest.mark.parametrize(("program", "words", "command"), ALL)
def test_at_every_command(
    program: str, words: Words, command: Any, run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [*words, *arguments(command)]
    monkeypatch.setattr("typer.core.TyperCommand.invoke", throw, raising=False)
    said = run(program, *given)
    assert is_short(said), said
    assert "unexpected Unknown: something that nobody has foreseen in three lines" in said
    assert "--debug" in said
    shown = run(program, *given, "--debug")
    assert "Traceback (most recent call last)" in shown
    assert "in throw" in shown


@pytest.mark.parametrize(("program", "words", "command"), CONFIGURED)
def test_at_every_reading_of_a_config(
    program: str, words: Words, command: Any, run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tomllib.loads", throw)
    said = run(program, *words, *arguments(command))
    assert is_short(said), said
    assert "cannot be used: something that nobody has foreseen in three lines" in said


@pytest.mark.parametrize(("program", "words", "command"), [case for case in CONFIGURED if case.values[1][0] in CHAIN])
@pytest.mark.parametrize("where", ["requests.adapters.HTTPAdapter.send", "requests.Session.post"])
def test_at_every_question_to_the_chain(
    where: str,
    program: str,
    words: Words,
    command: Any,
    run: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(where, throw)
    if (program, words) == ("fednode", ("status",)):  # says it among what else it knows
        with pytest.raises(SystemExit):
            sys.argv = ["fednode", "status"]
            run_program(node.app)
        assert "no RPC endpoint answers" in capsys.readouterr().out
        return
    said = run(program, *words, *arguments(command))
    assert is_short(said), said
    assert "no RPC endpoint answers: http://127.0.0.1:9 (Unknown)" in said


@pytest.mark.parametrize(
    ("rpc", "said"),
    [
        ("http://127.0.0.1:65536", "chain.rpc.0: must have a port from 0 to 65535"),
        ("http://127.0.0.1:x", "chain.rpc.0: must have a port from 0 to 65535"),
        ("http://a b", "chain.rpc.0: has a blank"),
        ("http://[::1", "chain.rpc.0: is no URL"),
        ("http://", "chain.rpc.0: must name a host"),
        ("http://a..b", "chain.rpc.0: must name a host"),
        (f"http://{64 * 'a'}", "chain.rpc.0: must name a host"),
        ("ws://127.0.0.1", "chain.rpc.0: must be an http:// or https:// URL"),
        ("http://127.0.0.1:9 ", "no RPC endpoint answers: http://127.0.0.1:9 ("),
        ("\thttp://user:secret@127.0.0.1:9/key\n", "no RPC endpoint answers: http://127.0.0.1:9 ("),
    ],
)
def test_urls_as_people_mistype_them(rpc: str, said: str, run: Callable[..., str], tmp_path: Path) -> None:
    rewrite(tmp_path / "fednode.toml", chain={"rpc": [rpc]})
    shown = run("fednode", "rounds")
    assert said in shown
    assert is_short(shown), shown


def test_a_config_of_other_systems(run: Callable[..., str], tmp_path: Path) -> None:
    config = tmp_path / "fednode.toml"
    text = config.read_text()
    config.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert "no RPC endpoint answers" in run("fednode", "rounds")
    config.write_text(text, encoding="utf-16")
    assert run("fednode", "rounds").startswith("error: config file fednode.toml is not UTF-8 but, it seems, UTF-16")
    config.unlink()
    config.mkdir()
    assert is_short(run("fednode", "rounds"))


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("rows.csv", "csv.reader"),
        ("rows.jsonl", "json.loads"),
        ("rows.parquet", "pyarrow.parquet.ParquetFile"),
        ("rows.jsonl", "pathlib.Path.open"),
        ("rows.csv", "pathlib.Path.open"),
        ("rows.parquet", "pathlib.Path.open"),
    ],
)
def test_at_every_reader_of_data(
    name: str, target: str, run: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_text(ROW)
    (tmp_path / "fednode.toml").unlink()
    monkeypatch.setattr(target, throw)
    said = run("fednode", "data", "check", name)
    assert is_short(said), said
    assert f"{name}: cannot be read: something that nobody has foreseen in three lines" in said
