"""All that an HTTP gateway answers, over a real connection: byte 0 picks whether a tree or a block is asked for."""

from __future__ import annotations

import hashlib
import io
import socket
import threading
from collections.abc import Iterable, Iterator
from typing import Any

from fedprotocol.car import CarError, MemoryLeaves, read_car, write_car
from fedprotocol.store.base import StoreError
from fedprotocol.store.deadline import Deadline
from fedprotocol.store.gateway import CAR, RAW, Gateway

from fuzz.mutations import bytes_or, repeated
from fuzz.target import Linear, Target

LEAVES = MemoryLeaves([b"one leaf", b"another!"])
BLOCK = b"a block"


class Answering:
    """Answers every request with the same bytes and hangs up."""

    def __init__(self) -> None:
        self.answer = b""
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listening.accept()
            with connection:
                try:
                    connection.recv(65536)
                    connection.sendall(self.answer)
                    connection.shutdown(socket.SHUT_WR)
                except OSError:
                    pass


SERVER = Answering()
GATEWAY = Gateway(f"http://127.0.0.1:{SERVER.port}", find_seconds=5.0)
_resolve = socket.getaddrinfo


def _at_home(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
    """Redirects must lead the fuzzer nowhere else."""
    if (host, port) != ("127.0.0.1", SERVER.port):
        raise socket.gaierror(socket.EAI_NONAME, "not while fuzzing")
    return _resolve(host, port, *rest, **more)


socket.getaddrinfo = _at_home


def parse(data: bytes) -> bytes:
    SERVER.answer = data[1:].replace(b"PORT", str(SERVER.port).encode())
    if data[:1] < b"\x80":
        out = io.BytesIO()
        with GATEWAY.tree(LEAVES.root, LEAVES.shape, Deadline()) as source:
            read_car(source, LEAVES.root, LEAVES.shape, out, io.BytesIO())
        return out.getvalue()
    return GATEWAY.block(hashlib.sha256(BLOCK).digest(), 1024, Deadline())


def check(data: bytes, found: bytes) -> None:
    assert found == (car() if data[:1] < b"\x80" else BLOCK)


def car() -> bytes:
    out = io.BytesIO()
    write_car(LEAVES, out)
    return out.getvalue()


def features(outcome: object) -> Iterable[str]:
    """The chain of errors, by type."""
    while isinstance(outcome, BaseException):
        yield f"{type(outcome).__name__} {str(outcome)[:20] if isinstance(outcome, StoreError) else ''}"
        outcome = outcome.__cause__ or outcome.__context__


def seeds() -> Iterator[bytes]:
    for byte, kind, body in ((b"\0", CAR, car()), (b"\xff", RAW, BLOCK)):
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n".encode()
        yield byte + head + b"Content-Length: %d\r\n\r\n" % len(body) + body
        yield byte + head + b"\r\n" + body
        yield byte + head + b"\r\n" + body * 300
        yield byte + head + b"Content-Length: 9999\r\n\r\n" + body
        yield byte + head + b"Transfer-Encoding: chunked\r\n\r\nno"
        yield byte + head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\nX: y\r\n\r\n"
        for coding in (b"gzip", b"deflate", b"br", b"zstd", b"gzip, gzip"):
            yield byte + head + b"Content-Encoding: " + coding + b"\r\n\r\n" + body
    for place in (
        "http://127.0.0.1:PORT/x",
        "/y",
        "https://elsewhere/",
        "//[::1",
        "http://.a/",
        "ftp://x",
        "http://a:b",
    ):
        yield b"\0" + f"HTTP/1.1 301 Moved\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n".encode()
    yield b"\0HTTP/1.0 404 None\r\nSet-Cookie: a=b; Domain=.c; Expires=Wed, 09 Jun 2027 10:18:14 GMT\r\n\r\n"
    yield b"\0HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 504 Late\r\nRetry-After: 5\r\n\r\n"


TARGET = Target(
    parse,
    errors=(StoreError, CarError),
    seeds=seeds,
    largest=4096,
    memory=Linear(1 << 20, 64),
    check=check,
    features=features,
    mutate=bytes_or(lambda data, largest, rng, _: repeated(data, largest, rng), 0.1),
)
