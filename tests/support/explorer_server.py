"""The explorer's server around any application, in a thread, and requests to it as they stand on the wire."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fedexplorer.web.server import serve
from fedprotocol.program.listening import listen
from starlette.types import ASGIApp


@contextmanager
def running(app: ASGIApp, closing: Callable[[], None] = lambda: None) -> Iterator[int]:
    """Serve `app` on a free port, which is what it yields."""
    stop, listening = threading.Event(), listen("127.0.0.1", 0)
    thread = threading.Thread(target=serve, args=(app, listening, stop, closing), daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def exchange(port: int, request: str | bytes, seconds: float = 10.0) -> bytes:
    """What the server answers to these bytes, until it closes the connection."""
    with socket.create_connection(("127.0.0.1", port), seconds) as connection:
        connection.sendall(request if isinstance(request, bytes) else request.encode())
        received = b""
        while piece := connection.recv(65_536):
            received += piece
        return received


def get(port: int, path: str = "/", host: str = "127.0.0.1", *headers: str, method: str = "GET") -> bytes:
    """The answer to a request whose connection ends with it."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *headers]
    return exchange(port, "\r\n".join(lines) + "\r\n\r\n")


def status(answer: bytes) -> int:
    """The status of an answer; 0 if there was none."""
    return int(answer.split()[1]) if answer.startswith(b"HTTP/1.1 ") else 0
