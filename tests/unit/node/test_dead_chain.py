"""The chain's node accepts and never answers, refuses, or answers garbage: what can be known without it is said at once
with its age, and everything else gives up in seconds with a sentence."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from click.testing import Result
from fedaggregator.cli.app import app as fedaggregator
from fednode.cli.app import app as fednode
from fedprotocol.chain.account import keys
from fedprotocol.errors import FedError
from fedprotocol.files.private import create_private
from fedprotocol.monitor.last_seen import PATIENCE, LastSeen, keep
from fedprotocol.types import Phase
from support.pseudo_terminal import Terminal
from support.sites import BIN, PASSWORD, toml
from support.slow_servers import Talk, listening, says_nothing
from support.snapshots import chain, state
from typer import Typer
from typer.testing import CliRunner
from web3 import Web3

COORDINATOR = Web3.to_checksum_address("0x" + "c" * 40)
SPARE = 6.0  # seconds beyond what the program waits: imports on a busy machine


def garbage(connection: socket.socket) -> None:
    while connection.recv(1 << 16):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 14\r\n\r\n<html>?</html>")


TROUBLES: dict[str, tuple[Talk | None, str]] = {
    "hangs": (says_nothing, "no answer within 5 s"),
    "refuses": (None, "the connection is refused: nothing listens there"),
    "garbage": (garbage, "what it answers is no JSON"),
}


@contextmanager
def server(talk: Talk | None) -> Iterator[str]:
    if talk is None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            yield f"127.0.0.1:{closed.getsockname()[1]}"
        return
    with listening(talk) as (place, _):
        yield place


def site(folder: Path, *rpc: str, is_node: bool = True) -> tuple[Path, str]:
    """Config and address of a program whose chain is at `rpc`."""
    folder.mkdir(parents=True)
    address = keys.create(folder / "key.json", PASSWORD, iterations=1024).address
    config = {
        "": {"home": "home"},
        "chain": {"rpc": [f"http://{place}" for place in rpc], "chain_id": 1, "coordinator": COORDINATOR},
        "store": {"url": "dir:store"},
        "account": {"keystore": "key.json"},
    } | ({"data": {"train": "train.jsonl"}} if is_node else {})
    with create_private(folder / "config.toml") as file:
        file.write(toml(config).encode())
    return folder / "config.toml", address


def call(app: Typer, *words: str) -> Result:
    return CliRunner().invoke(app, list(words))


@pytest.fixture(autouse=True)
def _imported(tmp_path: Path) -> None:
    """Once, so that no test measures imports."""
    config, _ = site(tmp_path / "first", "127.0.0.1:9")
    call(fednode, "status", "-c", str(config))


@pytest.mark.parametrize("trouble", TROUBLES)
def test_status_says_what_was_last_read_and_how_old_it_is(tmp_path: Path, trouble: str) -> None:
    talk, why = TROUBLES[trouble]
    with server(talk) as place:
        config, address = site(tmp_path / "site", place)
        seen = chain(state(3, Phase.TRAIN), account=address)
        last = LastSeen(coordinator=COORDINATOR, chain=seen, read=time.time() - 720, decimals=0, symbol="FED")
        keep(tmp_path / "site/home/chain.json", last)
        began = time.monotonic()
        done = call(fednode, "status", "-c", str(config))
        took = time.monotonic() - began
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    first, *more = done.stdout.splitlines()
    assert took < PATIENCE + SPARE
    assert first.startswith("The node has not run with this config yet, and round 3 takes commits")
    assert "(as the chain was 12 min ago, it cannot be read now: " in first
    assert (why if trouble != "hangs" else "has not answered within 3 s") in first
    assert "chain     round 3 is in Train; 0 of 3 rounds are final (read 12 min ago)" in more
    assert "money     stake 1000 FED, owed 0 FED, in hand 1000 FED (read 12 min ago)" in more
    assert done.exit_code == 1, "the node does not run"


def test_what_was_kept_of_another_federation_is_not_shown(tmp_path: Path) -> None:
    with server(None) as place:
        config, address = site(tmp_path / "site", place)
        other = LastSeen(
            coordinator=Web3.to_checksum_address("0x" + "d" * 40),
            chain=chain(account=address),
            read=0,
            decimals=0,
            symbol="FED",
        )
        keep(tmp_path / "site/home/chain.json", other)
        document = json.loads(call(fednode, "status", "--json", "-c", str(config)).stdout)
    assert document["chain"] is None and "is refused" in document["chain_problem"]


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("words", [("rounds",), ("evaluate", "--round", "1"), ("export", "--out", "out")])
def test_commands_that_read_give_up_in_seconds(tmp_path: Path, trouble: str, words: tuple[str, ...]) -> None:
    talk, why = TROUBLES[trouble]
    with server(talk) as place:
        config, _ = site(tmp_path / "site", place)
        (tmp_path / "site/train.jsonl").write_text('{"prompt": "a", "completion": " b"}\n')
        given = (*words, str(tmp_path / "site/train.jsonl")) if words[0] == "evaluate" else words
        began = time.monotonic()
        done = call(fednode, *given, "-c", str(config))
        took = time.monotonic() - began
    assert took < 5 + SPARE
    assert isinstance(done.exception, FedError)
    assert f"no RPC endpoint answers: http://{place} ({why}" in str(done.exception)
    assert "check that the node runs and the [chain] rpc setting" in str(done.exception)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_an_aggregators_status_too(tmp_path: Path, trouble: str) -> None:
    talk, _ = TROUBLES[trouble]
    with server(talk) as place:
        config, address = site(tmp_path / "aggregator", place, is_node=False)
        seen = chain(state(3, Phase.TRAIN), account=address)
        last = LastSeen(coordinator=COORDINATOR, chain=seen, read=time.time() - 720, decimals=0, symbol="FED")
        keep(tmp_path / "aggregator/home/chain.json", last)
        began = time.monotonic()
        done = call(fedaggregator, "status", "-c", str(config))
        assert time.monotonic() - began < PATIENCE + SPARE
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    first, *more = done.stdout.splitlines()
    assert first.startswith("chain     it cannot be read now: ") and "what follows was read 12 min ago" in first
    assert more[1] == "rounds    0 of 3 final, 3 opened"


@pytest.mark.process
def test_ctrl_c_ends_a_command_that_waits_for_the_chain(tmp_path: Path) -> None:
    """Which would wait half a minute, five seconds for each endpoint."""
    with ExitStack() as servers:
        config, _ = site(tmp_path / "site", *(servers.enter_context(server(says_nothing)) for _ in range(6)))
        terminal = Terminal(str(BIN / "fednode"), "join", "-c", str(config))
        try:
            terminal.read_until("asking the chain's node: 3 s so far")
            status, took = terminal.press_ctrl_c()
        finally:
            terminal.close()
    assert (status, took < 10.0) == (130, True), terminal.text
    assert terminal.text.rstrip().endswith("stopped by Ctrl-C") and "Traceback" not in terminal.text
