"""`fedexplorer run` as people start it: what it prints, what it serves, what it refuses, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import requests
from support import programs
from support.evm import Anvil
from support.explorer_process import Started
from support.explorer_process import explorer as started_explorer
from support.explorer_server import get, status
from support.live_federation import TOKEN, LiveFederation
from support.ports import free_port
from support.proxy import Proxy

NAME = "explorer.example.org"


@pytest.fixture(scope="module")
def federation() -> Iterator[LiveFederation]:
    with Anvil() as chain:
        yield LiveFederation(chain)


def explorer(
    federation: LiveFederation, folder: Path, *options: str, **replaced: str | None
) -> AbstractContextManager[Started]:
    return started_explorer(federation.coordinator.address, federation.chain.url, folder, *options, **replaced)


def ended(federation: LiveFederation, folder: Path, *options: str, **replaced: str | None) -> tuple[int, str]:
    with explorer(federation, folder, *options, **replaced) as started:
        code = started.program.wait(30)
        return code, started.log


def test_it_says_where_it_is_and_serves_the_federation(federation: LiveFederation, tmp_path: Path) -> None:
    names = tmp_path / "names.toml"
    names.write_text(f'"{federation.chain.accounts[0]}" = "The <sponsor>"\n')
    options = (f"--names={names}", "--title=A <b>title</b>", f"--hostname={NAME}")
    with explorer(federation, tmp_path, *options) as started:
        line = json.loads(started.first_line())
        assert line == {
            "url": started.url,
            "coordinator": federation.coordinator.address,
            "chain_id": federation.coordinator.chain_id,
            "pid": started.program.pid,
        }
        text = started.page(wanted="The &lt;sponsor&gt;").text
        assert "A &lt;b&gt;title&lt;/b&gt;" in text and "<b>" not in text
        assert federation.coordinator.address in text
        found = started.page("api/federation").json()
        assert found["pool"] == 10_000 * TOKEN and found["chain_id"] == federation.coordinator.chain_id
        assert status(get(started.port, host=NAME)) == 200
        refused = get(started.port, host="evil.example").decode()
        assert status(refused.encode()) == 421 and "Not under this name" in refused
        for secret in (federation.coordinator.address, "A &lt;b", "sponsor", "Pool"):
            assert secret not in refused
        too_long = started.page("?" + 3_000 * "a")
        assert too_long.status_code == 414 and federation.coordinator.address in too_long.text
        assert (tmp_path / "cache").is_dir() and not list(tmp_path.glob("store*"))


def test_the_line_for_people(federation: LiveFederation, tmp_path: Path) -> None:
    arguments = ["--coordinator", federation.coordinator.address, "--rpc", federation.chain.url, "--home", "cache"]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        program = programs.start(["fedexplorer", "run", "--port=0", *arguments], tmp_path, {**os.environ}, out, err)
        started = Started(program, out, err)
        line = started.first_line()
        program.kill()
    assert line.startswith("http://127.0.0.1:") and line.endswith("Ctrl-C ends it")
    assert f"chain {federation.coordinator.chain_id}" in line


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_it_ends_at_once_and_quietly_although_somebody_listens(
    federation: LiveFederation, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with explorer(federation, tmp_path, "--no-find-peers") as started:
        started.page(wanted="Pool")
        with requests.get(started.url + "live", stream=True, timeout=10) as stream:
            assert stream.headers["Content-Type"].startswith("text/event-stream")
            next(stream.iter_content(10))
            begun = time.monotonic()
            started.program.send_signal(number)
            assert started.program.wait(10) == code
            assert time.monotonic() - begun < 2.0
        said = started.log.strip().splitlines()
        assert said == (["stopped by Ctrl-C"] if code else []), started.log


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_it_ends_soon_although_the_node_hangs(
    federation: LiveFederation, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    hanging = threading.Event()

    def hang(message: dict[str, Any]) -> dict[str, Any]:
        if hanging.is_set():
            time.sleep(20)
        return message

    with (
        Proxy(federation.chain.url, request=hang) as between,
        explorer(federation, tmp_path, rpc=between.url) as started,
    ):
        started.page(wanted="Pool")
        hanging.set()
        time.sleep(2)
        begun = time.monotonic()
        started.program.send_signal(number)
        assert started.program.wait(15) == code
        assert time.monotonic() - begun < 5
        assert "Traceback" not in started.log


def test_wrong_things_are_said_and_end_it(federation: LiveFederation, tmp_path: Path) -> None:
    names = tmp_path / "names.toml"
    names.write_text("clinic = 1")
    cases = [
        ({"coordinator": "0x" + "1" * 40}, 1, "there is no contract at"),
        ({"coordinator": federation.token.address}, 1, "is no FederationCoordinator"),
        ({"chain_id": "5"}, 78, "serves chain"),
        ({"names": str(names)}, 78, "must be an Ethereum address"),
        ({"home": str(names)}, 78, "--home"),
        ({"host": "192.0.2.1"}, 78, "is no address of this machine"),
        ({"hostname": "https://a"}, 78, "--hostname"),
        ({"root_path": "/a b"}, 78, "--root-path"),
    ]
    for replaced, code, said in cases:
        found = ended(federation, tmp_path, **replaced)
        assert found[0] == code and said in found[1] and "Traceback" not in found[1], (replaced, found)


def test_a_taken_port_is_said(federation: LiveFederation, tmp_path: Path) -> None:
    with explorer(federation, tmp_path) as first:
        code, said = ended(federation, tmp_path, port=str(first.port))
        assert code == 78 and f"listens on port {first.port} already" in said, said


def test_it_starts_without_the_node_and_never_names_it(federation: LiveFederation, tmp_path: Path) -> None:
    """The node's address and key are in no page, and the key is in no log."""
    key, chain_id = "v3/0123456789abcdef-key", str(federation.coordinator.chain_id)
    with Proxy(federation.chain.url) as between:
        url = f"{between.url}/{key}"
        between.closed |= {"eth_chainId"}
        with explorer(federation, tmp_path, chain_id=chain_id, rpc=url) as started:
            for path in ("", "api/federation"):
                answer = started.page(path, "The Ethereum node that this explorer reads does not answer")
                assert answer.status_code == 503
                assert key not in answer.text and str(between.url.rpartition(":")[2]) not in answer.text
            assert key not in started.log and "starts all the same" in started.log
            between.closed.clear()
            assert started.page(wanted="Pool", seconds=60).status_code == 200
            between.closed |= {"eth_chainId", "eth_blockNumber", "eth_getBlockByNumber", "eth_call", "eth_getLogs"}
            text = started.page(wanted="cannot be read now", seconds=60).text
            assert "Pool" in text and key not in text and between.url not in text
            assert key not in started.log


def test_without_a_chain_id_it_needs_the_node(federation: LiveFederation, tmp_path: Path) -> None:
    code, said = ended(federation, tmp_path, rpc=f"http://127.0.0.1:{free_port()}/a-secret-key-in-it")
    assert code == 1 and "--chain-id" in said and "a-secret-key-in-it" not in said


def test_the_url_may_come_from_the_environment(federation: LiveFederation, tmp_path: Path) -> None:
    arguments = ["fedexplorer", "run", "--coordinator", federation.coordinator.address, "--home", "cache", "--port=0"]
    environment = {**os.environ, "FEDEXPLORER_RPC": federation.chain.url}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        program = programs.start(arguments, tmp_path, environment, out, err)
        assert "shows the federation" in Started(program, out, err).first_line()
        program.kill()


def test_help_is_quick_and_the_log_is_json_where_nobody_reads_it(federation: LiveFederation, tmp_path: Path) -> None:
    begun = time.monotonic()
    done = subprocess.run(["fedexplorer", "run", "--help"], check=True, capture_output=True, text=True)
    assert "--hostname" in done.stdout and time.monotonic() - begun < 10
    with explorer(federation, tmp_path, "--log-format=json", chain_id="5") as started:
        assert started.program.wait(30) == 78
        line = json.loads(started.log.splitlines()[-1])
        assert line["level"] == "critical" and line["logger"] == "fedexplorer"
