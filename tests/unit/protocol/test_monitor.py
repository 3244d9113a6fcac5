"""The monitor: what it says, when it says that something is wrong, and who can ask it."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from fedprotocol import metrics
from fedprotocol.car import MemoryLeaves
from fedprotocol.config import ConfigError, ConnectionConfig, load_config
from fedprotocol.monitor.health import MISSED_POLLS, SHORTEST_LIMIT, Health
from fedprotocol.monitor.server import PortTaken, serve
from fedprotocol.monitor.start import monitored
from fedprotocol.monitor.store_watch import watch
from fedprotocol.store.open import open_store
from prometheus_client import REGISTRY
from support.hand_clock import Clock
from support.ports import free_port
from support.scrape import figures, health

POLL = 12.0  # seconds
LIMIT = MISSED_POLLS * POLL
LEAVES = MemoryLeaves([bytes([number]) * 64 for number in range(5)])


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


@pytest.fixture
def told(clock: Clock) -> Health:
    """Of a daemon that has just read the chain."""
    health = Health(POLL, clock)
    health.turned("waiting for round 2")
    return health


def after(seconds: float, health: Health, clock: Clock) -> tuple[str, ...]:
    clock.now += seconds
    return health.report().why


def test_a_loop_that_turns_is_well_and_one_that_does_not_is_named(told: Health, clock: Clock) -> None:
    assert after(LIMIT - 1, told, clock) == ()
    [why] = after(2, told, clock)
    assert why == "the loop has not turned for 121 s; it was last seen with this: waiting for round 2"
    told.turned("commit in round 2")
    assert told.report().healthy


def test_what_takes_its_time_is_given_it(told: Health, clock: Clock) -> None:
    told.turned("merging", at_most=1000)
    assert after(LIMIT + 999, told, clock) == ()
    [why] = after(2, told, clock)
    assert why.endswith("merging")


def test_a_chain_out_of_reach_counts_after_some_polls(told: Health, clock: Clock) -> None:
    told.turned("merging", at_most=1000)
    told.failed("chain", "no RPC endpoint answers")
    assert after(LIMIT - 1, told, clock) == (), "it may come back"
    assert after(2, told, clock) == ("the chain has not been read for 121 s: no RPC endpoint answers",)
    told.turned("waiting")
    assert told.report().why == ()


def test_a_store_or_model_counts_at_once(told: Health) -> None:
    told.failed("store", "no Kubo answers")
    told.failed("model", "another digest")
    assert told.report().why == ("the store does not work: no Kubo answers", "the model does not work: another digest")
    told.failed("store", "")
    assert told.report().why == ("the model does not work: another digest",)


def test_a_daemon_that_never_read_the_chain_is_late_too(clock: Clock) -> None:
    health = Health(0.1, clock)
    assert health.report().age is None
    [why] = after(SHORTEST_LIMIT + 1, health, clock)
    assert why.endswith("starting")


def test_health_over_http(told: Health, clock: Clock) -> None:
    port = free_port()
    with serve(port, told):
        clock.now += 7
        assert health(port) == (
            200,
            {
                "healthy": True,
                "why": [],
                "doing": "waiting for round 2",
                "penalties": [],
                "chain_read_age_seconds": 7.0,
            },
        )
        told.failed("store", "no Kubo answers at “x”")
        status, document = health(port)
        assert (status, document["why"]) == (503, ["the store does not work: no Kubo answers at “x”"])
        with pytest.raises(HTTPError) as refused:
            urlopen(f"http://127.0.0.1:{port}/journal.sqlite", timeout=10)
        assert refused.value.code == 404
        assert json.load(refused.value) == {"paths": ["/metrics", "/health"]}
    with pytest.raises(OSError):
        health(port)


def test_a_client_that_says_nothing_keeps_nobody_waiting(told: Health) -> None:
    port = free_port()
    with serve(port, told), socket.create_connection(("127.0.0.1", port)):
        assert health(port)[0] == 200


def test_only_this_machine_can_ask(told: Health) -> None:
    """A socket on 127.0.0.1 alone: the same port of another address of this machine is free."""
    port = free_port()
    with serve(port, told), socket.socket() as other:
        other.bind(("127.0.0.2", port))
        other.listen()
        with pytest.raises(OSError):
            socket.create_connection(("::1", port), timeout=2)


def test_a_port_in_use_is_said(told: Health) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with (
            pytest.raises(PortTaken, match=rf"127\.0\.0\.1:{port}: another program listens there.*\[monitor\]"),
            serve(port, told),
        ):
            pass


def test_off_unless_asked_for(told: Health, tmp_path: Path) -> None:
    before = threading.active_count()
    with monitored(0, told, open_store(f"dir:{tmp_path / 'own'}", tmp_path / "cache")):
        assert threading.active_count() == before


@pytest.mark.parametrize("setting", ["port = -1", "port = 65536", 'address = "0.0.0.0"'])
def test_the_config_offers_a_port_of_loopback_and_nothing_else(setting: str, tmp_path: Path) -> None:
    text = f"""
    [chain]
    rpc = ["http://127.0.0.1:1"]
    chain_id = 5
    coordinator = "0x{40 * "1"}"
    [store]
    url = "dir:store"
    [monitor]
    """
    path = tmp_path / "a.toml"
    path.write_text(text)
    assert load_config(path, ConnectionConfig).monitor.port == 0
    path.write_text(text + setting)
    with pytest.raises(ConfigError, match=r"monitor\."):
        load_config(path, ConnectionConfig)


def value(name: str) -> float:
    found = REGISTRY.get_sample_value(name)
    assert found is not None, name
    return found


def grown(name: str, do: Callable[[], object]) -> float:
    before = value(name)
    do()
    return value(name) - before


def test_bytes_that_come_and_go_are_counted_once(tmp_path: Path) -> None:
    theirs = open_store(f"dir:{tmp_path / 'theirs'}", tmp_path / "cache")
    mine = open_store(f"dir:{tmp_path / 'mine'}", tmp_path / "cache", [f"dir:{tmp_path / 'theirs'}"])
    published = grown("fed_published_bytes_total", lambda: theirs.put(LEAVES))
    assert published == next((tmp_path / "theirs/trees").glob("*.car")).stat().st_size > 5 * 64
    assert grown("fed_published_bytes_total", lambda: theirs.put(LEAVES)) == 0, "it is there"
    get = lambda: mine.get(LEAVES.root, LEAVES.shape).close()  # noqa: E731
    assert grown("fed_fetched_bytes_total", get) == published
    assert grown("fed_fetched_bytes_total", get) == 0, "it is here"
    digest = theirs.put_block(b"a spec")
    assert grown("fed_fetched_bytes_total", lambda: mine.get_block(digest, 100)) == len(b"a spec")


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_store_is_looked_at(told: Health, tmp_path: Path) -> None:
    peers = [f"dir:{tmp_path / name}" for name in ("a", "b", "nobody")]
    for url in peers[:2]:
        open_store(url, tmp_path / "cache")
    own = tmp_path / "own"
    store = open_store(f"dir:{own}", tmp_path / "cache", peers)
    with watch(store, told, every=0.05):
        until(lambda: value("fed_peers") == 2)
        assert told.report().healthy
        own.rename(tmp_path / "elsewhere")
        until(lambda: not told.report().healthy)
        [why] = told.report().why
        assert why.startswith("the store does not work") and str(own) in why
        (tmp_path / "elsewhere").rename(own)
        until(lambda: told.report().healthy)


def test_the_process_tells_about_itself(told: Health) -> None:
    port = free_port()
    metrics.ERRORS.labels("Unavailable").inc()
    with serve(port, told):
        found = figures(port)
    assert found["process_resident_memory_bytes"] > 1e6
    assert found["fed_errors_total{kind=Unavailable}"] >= 1
    assert "fed_phase{fed_phase=attest}" in found
    assert not [name for name in found if name.endswith("_created")]
