"""Announced blocks wake a program: from a real node, and from servers that announce nothing, nonsense or too much."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from fedprotocol.chain.endpoint import new_heads
from fedprotocol.chain.endpoint.new_heads import AT_MOST_EVERY, waking
from fedprotocol.urls import websocket_beside
from support.evm import Anvil
from support.hostile_server import Hostile
from websockets.sync.server import ServerConnection, serve


class Wakes:
    def __init__(self) -> None:
        self.count = 0
        self._changed = threading.Condition()

    def __call__(self) -> None:
        with self._changed:
            self.count += 1
            self._changed.notify_all()

    def reach(self, count: int, seconds: float = 20.0) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self.count >= count, seconds)


@contextmanager
def announcing(handle: Callable[[ServerConnection], None]) -> Iterator[str]:
    with serve(handle, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()


def subscribed(connection: ServerConnection) -> None:
    assert json.loads(connection.recv())["method"] == "eth_subscribe"
    connection.send(json.dumps({"jsonrpc": "2.0", "id": 1, "result": "0x1"}))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_heads, "PAUSES", (0.05,))


def test_each_block_of_a_real_node_wakes() -> None:
    wakes = Wakes()
    with Anvil() as chain, waking([websocket_beside(chain.url)], wakes):
        assert wakes.reach(1)  # by the subscription itself
        for expected in (2, 3):
            chain.rpc("evm_mine")
            assert wakes.reach(expected)


def test_a_node_that_comes_back_wakes_again() -> None:
    wakes, rounds = Wakes(), threading.Semaphore(2)

    def once_each(connection: ServerConnection) -> None:
        subscribed(connection)
        if rounds.acquire(blocking=False):
            return  # the connection ends
        connection.send("{}")
        connection.recv()

    with announcing(once_each) as url, waking([url], wakes):
        assert wakes.reach(4)


def test_the_first_address_that_announces_is_used() -> None:
    wakes = Wakes()

    def refuses(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    def knows_no_subscription(connection: ServerConnection) -> None:
        connection.recv()
        connection.send('{"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "not found"}}')

    with (
        Hostile(refuses) as http_only,
        announcing(knows_no_subscription) as unhelpful,
        Anvil() as chain,
        waking(["ws://127.0.0.1:9", websocket_beside(http_only.url), unhelpful, websocket_beside(chain.url)], wakes),
    ):
        assert wakes.reach(1)
        chain.rpc("evm_mine")
        assert wakes.reach(2)


@pytest.mark.parametrize("answer", ["[]", "null", '"0x1"', "{}", '{"result": 1}', "no json", 70_000 * "a"])
def test_nonsense_is_no_subscription_and_does_no_harm(answer: str) -> None:
    wakes, asked = Wakes(), threading.Event()

    def nonsense(connection: ServerConnection) -> None:
        connection.recv()
        asked.set()
        connection.send(answer)
        connection.send("{}")

    with announcing(nonsense) as url, waking([url], wakes):
        assert asked.wait(20)
        assert not wakes.reach(1, 0.2)


def test_a_flood_wakes_no_more_often_than_it_may() -> None:
    wakes = Wakes()

    def flood(connection: ServerConnection) -> None:
        subscribed(connection)
        while True:
            connection.send("{}")

    with announcing(flood) as url:
        started = time.monotonic()
        with waking([url], wakes):
            assert wakes.reach(4)
            seconds = time.monotonic() - started
            most = 2 + seconds / AT_MOST_EVERY
            assert wakes.count <= most
        count = wakes.count
        assert not wakes.reach(count + 3, 3 * AT_MOST_EVERY)  # it ends with the context


def test_without_an_address_nothing_runs() -> None:
    before = threading.active_count()
    with waking([], Wakes()):
        assert threading.active_count() == before
