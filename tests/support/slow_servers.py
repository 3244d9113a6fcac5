"""Servers that take connections and are as slow as they please."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Talk = Callable[[socket.socket], None]


@contextmanager
def listening(talk: Talk) -> Iterator[tuple[str, list[float]]]:
    """Whoever connects is talked to in a thread of its own. Its host and port, and when each connection came."""
    came: list[float] = []
    with socket.create_server(("127.0.0.1", 0), backlog=256) as server:

        def answer(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                talk(connection)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    came.append(time.monotonic())
                    threading.Thread(target=answer, args=(connection,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}", came
        finally:
            server.shutdown(socket.SHUT_RDWR)


def says_nothing(connection: socket.socket) -> None:
    """Reads, and never answers: also no TLS handshake."""
    while connection.recv(1 << 16):
        pass


def drips(beginning: bytes, piece: bytes, pause: float) -> Talk:
    """Sends `beginning`, then `piece` again and again, `pause` seconds apart: it never stalls and never ends."""

    def talk(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.sendall(beginning)
        while True:
            connection.sendall(piece)
            time.sleep(pause)

    return talk


@contextmanager
def lasting(at_most: float, at_least: float = 0.0) -> Iterator[None]:
    """Fails if what is in the context takes other than these seconds."""
    started = time.monotonic()
    yield
    took = time.monotonic() - started
    assert at_least <= took < at_most, f"it took {took:.1f} s"
