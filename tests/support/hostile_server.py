"""Servers that break HTTP's good manners: `with Hostile(answer) as url`; `answer` writes to the client's socket."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import zlib
from collections.abc import Callable
from typing import Self

Answer = Callable[[socket.socket], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class Hostile:
    """Answers every request on a free port by `answer`, each connection in a thread, until it is left."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._one, args=(client,), daemon=True).start()

    def _one(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            client.recv(65_536)
            self._answer(client)


def endless(client: socket.socket) -> None:
    client.sendall(OK + b'Transfer-Encoding: chunked\r\n\r\n8\r\n{"a": ["\r\n')
    while True:
        client.sendall(b"10000\r\n" + 65_536 * b"a" + b"\r\n")


def bomb(client: socket.socket) -> None:
    """A gibibyte of blanks in a mebibyte of gzip, again and again."""
    client.sendall(OK + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n")
    pack = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    while True:
        client.sendall(pack.compress(2**22 * b" ") + pack.flush(zlib.Z_FULL_FLUSH))


def after_the_end(client: socket.socket) -> None:
    """A whole answer, then bytes that belong to nothing."""
    pack = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    answer = pack.compress(b'{"jsonrpc": "2.0", "id": 1, "result": "0x7a69"}') + pack.flush()
    client.sendall(OK + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n" + answer)
    while True:
        client.sendall(65_536 * b"a")


def dripping_headers(client: socket.socket) -> None:
    client.sendall(OK)
    while True:
        client.sendall(b"X")
        time.sleep(0.05)


def dripping_body(client: socket.socket) -> None:
    client.sendall(OK + b"Content-Length: 1000000\r\n\r\n{")
    while True:
        client.sendall(b" ")
        time.sleep(0.05)


def goes_on(client: socket.socket) -> None:
    while True:
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.05)


def silent(client: socket.socket) -> None:
    client.recv(1)


def elsewhere(client: socket.socket) -> None:
    client.sendall(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")


def many_values(client: socket.socket) -> None:
    """Three bytes each that become sixty-four."""
    body = b'{"jsonrpc": "2.0", "id": 1, "result": [' + b"[]," * 300_000 + b"[]]}"
    client.sendall(OK + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)


def nested(client: socket.socket) -> None:
    body = b"[" * 100_000
    client.sendall(OK + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
