"""The `fedaggregator` command: set-up, bad input, status."""

from __future__ import annotations

import io
import json
import re
import stat
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fedaggregator.cli.app import app
from fedaggregator.config import AggregatorConfig, render
from fedprotocol.chain.account import keys
from fedprotocol.config import ConfigError, load_config
from fedprotocol.errors import FOR_A_PERSON
from fedprotocol.program.terminal import run_program
from support.aggregators import COMMAND, PASSWORD, AggregatorSite
from support.evm import Anvil
from support.live_federation import LiveFederation
from support.ports import free_port

Command = Callable[..., subprocess.CompletedProcess[str]]
EXAMPLE = Path(__file__).parents[3] / "aggregator/aggregator.example.toml"
ADDRESS = "0x5FbDB2315678afecb367f032d93F642f64180aa3"


@pytest.fixture(scope="module")
def federation() -> Iterator[LiveFederation]:
    with Anvil() as chain:
        yield LiveFederation(chain)


@pytest.fixture
def site(federation: LiveFederation, tmp_path: Path) -> AggregatorSite:
    return AggregatorSite(federation, tmp_path / "aggregator", [])


@pytest.fixture
def quick(
    process_as_before: None,  # noqa: ARG001 - what it does afterwards
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Command:
    """The command in this process: a second of imports less."""

    def call(*arguments: object, folder: Path, password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["fedaggregator", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        monkeypatch.setenv(keys.PASSWORD_VARIABLE, password)
        monkeypatch.chdir(folder)
        with pytest.raises(SystemExit) as end:
            run_program(app)
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, int(end.value.code or 0), said.out, said.err)

    return call


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(COMMAND), *map(str, arguments)], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """What a failed command said: an error without a traceback."""
    assert done.returncode in (1, FOR_A_PERSON), done
    assert "Traceback" not in done.stderr
    message = done.stderr.splitlines()
    errors = [line for line in message if line.startswith("error: ")]
    assert len(errors) == 1, done.stderr
    return done.stderr[done.stderr.index("error: ") :]


def edit(site: AggregatorSite, old: str, new: str) -> None:
    text = site.config_path.read_text()
    assert old in text
    site.config_path.write_text(text.replace(old, new))


def test_help_does_not_wait_for_heavy_imports(record_property: Callable[[str, object], None]) -> None:
    started = time.monotonic()
    assert run("--help").returncode == 0
    seconds = time.monotonic() - started
    record_property("fedaggregator_help_seconds", round(seconds, 2))
    modules = subprocess.run(
        [COMMAND.with_name("python"), "-c", "import fedaggregator.cli.app, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"web3", "numpy", "pydantic", "torch"} & set(modules)


def test_the_version_is_said() -> None:
    assert run("--version").stdout == f"fedaggregator {(EXAMPLE.parents[1] / 'VERSION').read_text()}"


def test_the_aggregator_needs_no_torch() -> None:
    modules = subprocess.run(
        [COMMAND.with_name("python"), "-c", "import fedaggregator.daemon.run, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "fedaggregator.daemon.run" in modules and not {"torch", "transformers", "fednode"} & set(modules)


def test_init_writes_a_config_and_an_account_that_work(
    federation: LiveFederation, tmp_path: Path, quick: Command
) -> None:
    arguments = (
        "init",
        *("--coordinator", federation.coordinator.address),
        *("--chain-id", federation.coordinator.chain_id),
        *("--rpc", federation.chain.url),
        *("--peer", f"dir:{tmp_path / 'other'}"),
    )
    done = quick(*arguments, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE((tmp_path / "aggregator.toml").stat().st_mode) == 0o600, "an RPC URL may hold a key"
    config = load_config(tmp_path / "aggregator.toml", AggregatorConfig)
    assert config.store.url == f"dir:{tmp_path / 'store'}" and config.store.peers == (f"dir:{tmp_path / 'other'}",)
    assert keys.load(config.account.keystore, PASSWORD).address in done.stdout
    shown = quick("status", folder=tmp_path)
    assert shown.returncode == 0 and "never ran" in shown.stdout and "0 of 3 final" in shown.stdout
    before = (tmp_path / "aggregator.toml").read_bytes()
    assert "not overwritten" in refusal(quick(*arguments, folder=tmp_path))
    assert (tmp_path / "aggregator.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("option", "value", "names"),
    [
        ("--coordinator", "0x1234", "chain.coordinator"),
        ("--coordinator", ADDRESS.swapcase().replace("0X", "0x"), "chain.coordinator"),
        ("--chain-id", "0", "chain.chain_id"),
        ("--rpc", "localhost:8545", "chain.rpc"),
        ("--store", "s3://bucket", "store.url"),
    ],
)
def test_init_refuses(option: str, value: str, names: str, tmp_path: Path, quick: Command) -> None:
    given = {"--coordinator": ADDRESS, "--chain-id": "1", "--rpc": "http://localhost:8545"} | {option: value}
    done = quick("init", *[part for pair in given.items() for part in pair], folder=tmp_path)
    assert names in refusal(done)
    assert list(tmp_path.iterdir()) == []


def test_init_without_a_password_leaves_nothing_behind(tmp_path: Path, quick: Command) -> None:
    arguments = ("init", "--coordinator", ADDRESS, "--chain-id", "1", "--rpc", "http://localhost:8545")
    assert "password" in refusal(quick(*arguments, folder=tmp_path, password=""))
    assert list(tmp_path.iterdir()) == []


def test_the_shipped_example_is_what_init_writes() -> None:
    text = render(["http://127.0.0.1:8545"], 31337, ADDRESS, "dir:store", [], "keystore.json", None)
    assert EXAMPLE.read_text() == text
    load_config(EXAMPLE, AggregatorConfig)
    # What is commented out is a valid setting, and the default (but for those that are taken out).
    live = re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)
    tables = tomllib.loads(live)
    assert tables["account"].pop("password_file") == "password.txt"
    assert tables["store"].pop("announce") == ["https://gateway"]
    assert tables["chain"].pop("websocket") == ["ws://127.0.0.1:8546"]
    assert AggregatorConfig.model_validate(tables) == AggregatorConfig.model_validate(tomllib.loads(text))


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("chain_id = ", "chain_id = 1 #", "serves chain"),
        ("coordinator = ", 'coordinator = "TOKEN" #', "no FederationCoordinator"),
        ("coordinator = ", f'coordinator = "0x{40 * "9"}" #', "no contract"),
        ("[store]", "[store]\nulr = 1", "store.ulr"),
        ("[chain]", "[chain", "not valid TOML"),
        ('keystore = "keystore.json"', 'keystore = "none.json"', "none.json"),
    ],
)
def test_status_refuses(site: AggregatorSite, old: str, new: str, names: str, quick: Command) -> None:
    edit(site, old, new.replace("TOKEN", site.federation.token.address))
    assert names in refusal(quick("status", "-c", site.config_path, folder=site.folder))


def test_run_refuses_another_chain_and_keeps_no_journal_of_it(site: AggregatorSite) -> None:
    edit(site, "chain_id = ", "chain_id = 1 #")
    assert "serves chain" in refusal(run("run", "-c", site.config_path))
    assert not site.config().status.exists()


def test_no_rpc_answers(site: AggregatorSite, quick: Command) -> None:
    port = free_port()
    edit(site, site.federation.chain.url, f"http://127.0.0.1:{port}")
    assert f"127.0.0.1:{port}" in refusal(quick("status", "-c", site.config_path, folder=site.folder))


def test_a_wrong_password_and_a_missing_config(site: AggregatorSite, quick: Command) -> None:
    (site.folder / "password.txt").write_text("wrong horse")
    assert "wrong password" in refusal(quick("run", "-c", site.config_path, folder=site.folder))
    (site.folder / "password.txt").chmod(0o644)
    assert "chmod 600" in refusal(quick("run", "-c", site.config_path, folder=site.folder))
    assert "no config file" in refusal(quick("run", "-c", "none.toml", folder=site.folder))


def test_a_second_process_on_the_same_journal(site: AggregatorSite, quick: Command) -> None:
    with site.running():
        deadline = time.monotonic() + 30
        while not site.config().status.exists():
            assert time.monotonic() < deadline, site.log.read_text()
            time.sleep(0.05)
        assert "in use by another process" in refusal(run("run", "-c", site.config_path))
        document = json.loads(quick("status", "--json", "-c", site.config_path, folder=site.folder).stdout)
        assert document["running"] and document["daemon"]["activity"] == "round 1 is not open yet"
    assert not json.loads(quick("status", "--json", "-c", site.config_path, folder=site.folder).stdout)["running"]
    assert "nothing is owed" in run("claim", "-c", site.config_path).stdout


def test_config_errors_name_file_and_key(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("[chain]\nrpc = []\nchain_id = 1\n")
    with pytest.raises(ConfigError) as caught:
        load_config(path, AggregatorConfig)
    message = str(caught.value)
    assert all(part in message for part in (str(path), "chain.rpc", "chain.coordinator", "store"))
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        load_config(path, AggregatorConfig)
