"""New blocks as an endpoint announces them, so that a program need not wait for its next poll.

The subscription is `eth_subscribe` with `newHeads` over a WebSocket, as geth introduced it
(https://geth.ethereum.org/docs/interacting-with-geth/rpc/pubsub). What an announcement says is not used: it only makes
a program look at the chain earlier than it would have. So an endpoint that announces nothing, or blocks that are not
there, can make it neither miss nor believe anything, and polling goes on.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from websockets.sync.client import connect
from websockets.sync.connection import Connection

from fedprotocol.foreign_errors import in_a_line
from fedprotocol.program import outgoing
from fedprotocol.program.tokens import headers_for
from fedprotocol.urls import without_credentials

log = logging.getLogger(__name__)

AT_MOST_EVERY = 0.25  # seconds; a chain may be faster, and an endpoint may flood
LARGEST = 64 * 1024  # bytes of a message: a block's header is 2 KiB
CONNECT_SECONDS = 10.0
PAUSES = (1.0, 5.0, 30.0, 600.0)  # seconds before another try, the last one again and again
SUBSCRIBE = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]})


class NoSubscription(Exception):
    """The endpoint answers over a WebSocket, and announces no blocks."""


@contextmanager
def waking(urls: Sequence[str], wake: Callable[[], None]) -> Iterator[None]:
    """While in the context, call `wake` in a separate thread when one of `urls` (ws, wss) announces a block. The first
    that can be used is; where none can, all are tried again later. Without `urls` nothing happens."""
    if not urls:
        yield
        return
    over = threading.Event()
    listener = _Listener(urls, wake, over)
    threading.Thread(target=listener.run, name="new-heads", daemon=True).start()
    try:
        yield
    finally:
        over.set()
        listener.close()


class _Listener:
    def __init__(self, urls: Sequence[str], wake: Callable[[], None], over: threading.Event) -> None:
        self._urls, self._wake, self._over = urls, wake, over
        self._open: Connection | None = None
        self._failures = 0

    def run(self) -> None:
        while not self._over.is_set():
            for url in self._urls:
                try:
                    self._listen(url)
                # websockets lets OSError, ssl and its own errors through, and what a hostile server may cause besides
                except Exception as error:
                    log.debug("%s announces no blocks: %s", without_credentials(url), in_a_line(error))
                if self._over.is_set():
                    return
            pause = PAUSES[min(self._failures, len(PAUSES) - 1)]
            self._failures += 1
            self._over.wait(pause)

    def close(self) -> None:
        if self._open is not None:
            threading.Thread(target=self._open.close, name="new-heads-close", daemon=True).start()

    def _listen(self, url: str) -> None:
        """Until the connection ends, by an error or without one."""
        with connected(url) as connection:
            self._open = connection
            connection.send(SUBSCRIBE)
            answer = json.loads(connection.recv(CONNECT_SECONDS))
            if not isinstance(answer, dict) or not isinstance(answer.get("result"), str):
                raise NoSubscription("it refuses eth_subscribe")
            log.debug("%s announces blocks", without_credentials(url))
            self._wake()  # blocks may have come before the subscription
            for _ in connection:
                if self._over.is_set():
                    return
                self._failures = 0
                self._wake()
                time.sleep(AT_MOST_EVERY)


def connected(url: str) -> Connection:
    proxy = outgoing.proxy_for("http" + url.removeprefix("ws"))
    return connect(
        url,
        ssl=outgoing.tls() if urlsplit(url).scheme == "wss" else None,
        proxy=proxy.url if proxy else None,
        additional_headers=headers_for(url),
        open_timeout=CONNECT_SECONDS,
        max_size=LARGEST,
        max_queue=4,
    )
