"""`config check` of both programs: what holds, what is left to the default, what is wrong."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from fedaggregator.cli.app import app as aggregator
from fedaggregator.config import render as render_aggregator
from fednode.cli.app import app as node
from fednode.config import render as render_node
from fedprotocol.config import ConfigError
from typer.testing import CliRunner

CHAIN = {"rpc": ["https://me:secret@node.example/v3"], "chain_id": 5, "coordinator": "0x" + 40 * "1"}
REST = {"store": "dir:store", "peers": [], "keystore": "key.json"}
PROGRAMS = {
    "fednode": (node, render_node(**CHAIN, **REST, train="train.jsonl")),  # type: ignore[arg-type]
    "fedaggregator": (aggregator, render_aggregator(**CHAIN, **REST, password_file=None)),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_holds_is_toml_again_and_a_secret_is_not_shown(tmp_path: Path, name: str) -> None:
    app, text = PROGRAMS[name]
    file = tmp_path / "config.toml"
    file.write_text(text)
    result = CliRunner().invoke(app, ["config", "check", "--config", str(file)])
    assert result.exit_code == 0, (result.output, result.exception)
    head, *lines = result.stdout.splitlines()
    assert head == f"{file} can be used; after # is what it leaves to the default"
    assert "secret" not in result.stdout and '"https://[hidden]@node.example/v3"' in result.stdout
    again = tomllib.loads("\n".join(lines))
    assert again["chain"]["chain_id"] == 5 and again["store"]["url"] == f"dir:{tmp_path}/store"
    given = tomllib.loads(text)
    assert {table: set(keys) for table, keys in given.items() if isinstance(keys, dict)} == {
        table: set(keys) for table, keys in again.items() if isinstance(keys, dict) and table in given
    }
    assert "# max_fee_gwei  = 500.0" in lines


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_is_wrong_is_named(tmp_path: Path, name: str) -> None:
    app, text = PROGRAMS[name]
    file = tmp_path / "config.toml"
    file.write_text(text.replace("[chain]", "[chain]\npol_seconds = 3", 1))
    result = CliRunner().invoke(app, ["config", "check", "--config", str(file)])
    assert isinstance(result.exception, ConfigError) and "chain.pol_seconds: unknown key" in str(result.exception)
