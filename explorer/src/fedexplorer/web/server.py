"""The server behind `fedexplorer run`: what it allows, and how it ends."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address

import uvicorn
from fedprotocol.program import interrupt
from starlette.types import ASGIApp

from fedexplorer.web.connections import ImpatientProtocol

log = logging.getLogger("uvicorn.error")

MOST_CONNECTIONS = 400
LONGEST_HEAD = 16_384  # bytes of a request's first line and headers
KEEP_ALIVE_SECONDS = 5
LAST_SECONDS = 1  # that answers may still take when the server ends
LEFT_SECONDS = 2.0  # that all else may take to end after that


class _Server(uvicorn.Server):
    """Ends when `stop` is set. `closing` is called then, before it waits for those who are still answered."""

    def __init__(self, config: uvicorn.Config, stop: threading.Event, closing: Callable[[], None]) -> None:
        super().__init__(config)
        self._stop, self._closing = stop, closing

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever sets `stop`."""
        yield

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or self._stop.is_set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._closing()
        log.setLevel(logging.CRITICAL)  # whose answer is cut off now is no news
        await super().shutdown(sockets)


def url_of(listening: socket.socket, sub_path: str = "") -> str:
    """Where a browser on this machine finds the explorer."""
    host, port = listening.getsockname()[:2]
    address = ip_address(host.partition("%")[0])
    if address.is_unspecified:
        address = ip_address("127.0.0.1" if address.version == 4 else "::1")
    return f"http://{f'[{address}]' if address.version == 6 else address}:{port}{sub_path}/"


def is_open(listening: socket.socket) -> bool:
    """Whether others than this machine may reach it."""
    return not ip_address(listening.getsockname()[0].partition("%")[0]).is_loopback


def serve(app: ASGIApp, listening: socket.socket, stop: threading.Event, closing: Callable[[], None]) -> None:
    """Answer until `stop` is set. `closing` ends what would go on by itself, such as streams."""
    # Whatever a stranger sends is no reason for a line in the log; errors of ours are.
    log.setLevel(logging.ERROR)
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http=ImpatientProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=LAST_SECONDS,
        h11_max_incomplete_event_size=LONGEST_HEAD,
    )
    _Server(config, stop, closing).run([listening])


def end_soon() -> None:
    """Nothing keeps the program from ending for longer than LEFT_SECONDS: no thread that makes a page which nobody will
    see, and no node that does not answer. Whatever is on the disk can be made again."""
    status = interrupt.STATUS if interrupt.was_pressed() else 0
    timer = threading.Timer(LEFT_SECONDS, os._exit, (status,))
    timer.daemon = True
    timer.start()
