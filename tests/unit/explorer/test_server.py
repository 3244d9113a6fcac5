"""The server itself: visitors who do not ask, who do not read, who stay; a taken port; and how it ends."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from fedexplorer.web import live
from fedexplorer.web.connections import ImpatientProtocol
from fedexplorer.web.live import Live
from fedexplorer.web.security import protected
from fedexplorer.web.server import is_open, serve, url_of
from fedprotocol.program.listening import CannotListen, listen
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp
from support.explorer_server import exchange, get, running, status

MEBIBYTE = 1 << 20
LARGE = 32 * MEBIBYTE  # more than the system keeps for a connection


class Version:
    """What is shown, as far as a stream knows it."""

    now = 1

    def __call__(self) -> int:
        return self.now


def application(*routes: Route) -> ASGIApp:
    return protected(Starlette(routes=list(routes)), (), lambda _status, text, _here: text)


def plain(_: Request) -> Response:
    return PlainTextResponse("here")


def large(_: Request) -> Response:
    return PlainTextResponse(LARGE * "x")


@contextmanager
def connected(port: int, request: str = "") -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(request.encode())
        yield connection


def received_by(connection: socket.socket, pause: float = 0.0) -> int:
    """The bytes that come until the server ends the connection, in whichever way."""
    count = 0
    try:
        while piece := connection.recv(2 * MEBIBYTE):
            count += len(piece)
            time.sleep(pause)
    except ConnectionResetError:
        return count
    return count


@contextmanager
def listening(port: int, since: object = None, *headers: str) -> Iterator[Callable[[], dict[str, str]]]:
    """A visitor who listens; what it yields waits for the next event."""
    query = "" if since is None else f"?since={since}"
    head = "\r\n".join([f"GET /live{query} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers])
    with connected(port, head + "\r\n\r\n") as connection, connection.makefile("r", newline="\n") as lines:
        assert lines.readline().split()[1] == "200"
        while lines.readline().strip():
            pass

        def event() -> dict[str, str]:
            found: dict[str, str] = {}
            for line in lines:
                name, colon, value = line.strip().partition(": ")
                if colon and name:
                    found[name] = value
                elif not line.strip():
                    if "event" in found:
                        return found
                    found = {}
            return {}

        yield event


def test_each_listener_hears_of_a_new_version_once_and_of_what_it_has_not() -> None:
    version = Version()
    following = Live(version)
    with running(application(Route("/live", following)), following.close) as port:
        with listening(port) as fresh, listening(port, 1) as same, listening(port, 0) as behind:
            assert behind() == {"event": "changed", "id": "1", "data": "1"}
            with listening(port, 1, "Last-Event-ID: 0") as back:
                assert back()["data"] == "1"
            version.now = 2
            assert [event()["data"] for event in (fresh, same, behind)] == ["2", "2", "2"]
            version.now = 3
            assert [event()["data"] for event in (fresh, same, behind)] == ["3", "3", "3"]
        deadline = time.monotonic() + 5
        while following.listeners and time.monotonic() < deadline:
            time.sleep(0.05)
        assert following.listeners == 0


def test_a_fast_chain_does_not_flood_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LEAST_SECONDS", 0.5)
    version = Version()
    following = Live(version)
    with running(application(Route("/live", following)), following.close) as port, listening(port, 0) as event:
        assert event()["data"] == "1"
        begun = time.monotonic()
        for number in range(2, 50):
            version.now = number
        assert event()["data"] == "49" and time.monotonic() - begun >= 0.4


def test_more_than_so_many_do_not_listen_and_still_read() -> None:
    following = Live(Version(), most=2)
    with running(application(Route("/live", following), Route("/", plain)), following.close) as port:
        with listening(port), listening(port):
            refused = get(port, "/live")
            assert status(refused) == 503 and b"retry-after: 5" in refused.lower()
            assert get(port).endswith(b"here")
        time.sleep(0.2)
        with listening(port, 0) as event:
            assert event()["data"] == "1"


def test_a_heartbeat_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.2)
    following = Live(Version())
    with running(application(Route("/live", following)), following.close) as port:
        with connected(port, "GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") as connection:
            received = b""
            while b"ping" not in received:
                piece = connection.recv(4096)
                assert piece
                received += piece
        assert b"text/event-stream" in received and b"retry: 5000" in received


def test_a_stream_ends_some_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LONGEST_SECONDS", 0.3)
    following = Live(Version())
    with running(application(Route("/live", following)), following.close) as port:
        assert exchange(port, "GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").endswith(
            b"0\r\n\r\n"
        )


def test_it_ends_at_once_although_visitors_listen() -> None:
    following = Live(Version())
    app = application(Route("/live", following))
    with running(app, following.close) as port, listening(port) as first, listening(port) as second:
        begun = time.monotonic()
        following.close()
        assert first() == second() == {}
        assert time.monotonic() - begun < 1.0


def test_the_server_ends_within_a_second_while_it_streams() -> None:
    following = Live(Version())
    stop, bound = threading.Event(), listen("127.0.0.1", 0)
    app = application(Route("/live", following), Route("/large", large))
    thread = threading.Thread(target=serve, args=(app, bound, stop, following.close), daemon=True)
    thread.start()
    port = bound.getsockname()[1]
    with listening(port), listening(port):
        begun = time.monotonic()
        stop.set()
        thread.join(5)
        assert not thread.is_alive() and time.monotonic() - begun < 1.5


def test_a_visitor_who_does_not_ask_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImpatientProtocol, "request_seconds", 0.4)
    with running(application(Route("/", plain))) as port:
        begun = time.monotonic()
        with connected(port) as silent, connected(port, "GET / HTTP/1.1\r\nHost: ") as slow:
            for number in range(20):
                if number % 2 == 0:
                    time.sleep(0.05)
                try:
                    slow.sendall(b"a")
                except OSError:
                    break
            for connection in (silent, slow):
                assert received_by(connection) == 0
        assert time.monotonic() - begun < 3
        assert get(port).endswith(b"here")


def test_a_second_request_on_a_connection_has_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImpatientProtocol, "request_seconds", 0.6)
    with running(application(Route("/", plain))) as port, connected(port) as connection:
        for _ in range(3):
            time.sleep(0.4)
            connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            received = b""
            while not received.endswith(b"here"):
                received += connection.recv(65_536)
        connection.sendall(b"GET /")
        assert received_by(connection) == 0


def test_a_visitor_who_does_not_read_is_left_and_one_who_reads_slowly_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImpatientProtocol, "reading_seconds", 0.3)
    request = "GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    with running(application(Route("/large", large))) as port:
        with connected(port, request) as silent:
            time.sleep(1.0)
            assert received_by(silent) < LARGE // 2
        with connected(port, request) as slow:
            assert received_by(slow, pause=0.02) > LARGE


def test_a_head_that_does_not_end_is_refused() -> None:
    with running(application(Route("/", plain))) as port:
        answer = exchange(port, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + 70_000 * b"a")
        assert status(answer) == 400


def test_garbage_is_refused_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with running(application(Route("/", plain))) as port:
        assert status(exchange(port, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n")) == 400
        assert get(port).endswith(b"here")
    assert [record for record in caplog.records if record.levelname != "DEBUG"] == []


def test_nothing_says_which_server_it_is() -> None:
    with running(application(Route("/", plain))) as port:
        assert b"\r\nserver:" not in get(port).lower()


def test_a_taken_port_is_said() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(CannotListen, match=f"listens on port {port} already.*--port 0"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host", "256.1.1.1"])
def test_an_address_of_another_machine_is_said(host: str) -> None:
    with pytest.raises(CannotListen, match=r"--host|is no address"):
        listen(host, 0)


@pytest.mark.parametrize(
    ("host", "shown", "for_others"),
    [
        ("127.0.0.1", "127.0.0.1", False),
        ("localhost", "127.0.0.1", False),
        ("0.0.0.0", "127.0.0.1", True),  # noqa: S104
        ("::1", "[::1]", False),
        ("::", "[::1]", True),
    ],
)
def test_where_a_browser_finds_it(host: str, shown: str, for_others: bool) -> None:
    try:
        bound = listen(host, 0)
    except CannotListen:
        pytest.skip("no IPv6 here")
    with bound:
        port = bound.getsockname()[1]
        assert url_of(bound) == f"http://{shown}:{port}/" and url_of(bound, "/a/b") == f"http://{shown}:{port}/a/b/"
        assert is_open(bound) == for_others
