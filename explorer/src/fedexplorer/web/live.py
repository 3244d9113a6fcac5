"""Tells open pages that there is something new. What it is they fetch themselves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

LOOK_SECONDS = 0.25  # between two looks at the version, which is a number in memory
LEAST_SECONDS = 1.0  # between two messages, however fast the chain is
HEARTBEAT_SECONDS = 15  # proxies end connections on which nothing comes for longer
LONGEST_SECONDS = 3_600.0  # of one stream; the browser then asks again. Visitors that vanished are forgotten so
MOST_LISTENERS = 128
RETRY_SECONDS = 5
FULL = "Too many visitors listen already. The page does not change by itself for a while; load it again to see more.\n"


class Live:
    """The streams of all visitors: an ASGI application for one address.

    A stream has an event `changed` for each version but the one that the visitor has. He says which in the query as
    `since` or, when his browser comes back, in the header Last-Event-ID.

    Args:
        version: the version of what is shown; another one whenever a page may have changed.
        most: listeners at a time; more are told to come back later.
    """

    def __init__(self, version: Callable[[], int], most: int = MOST_LISTENERS) -> None:
        self._version, self._most = version, most
        self._closing = False
        self.listeners = 0

    def close(self) -> None:
        """End all streams, and begin no other. It may be called in any thread."""
        self._closing = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._closing or self.listeners >= self._most:
            headers = {"Retry-After": str(RETRY_SECONDS), "Cache-Control": "no-store"}
            await PlainTextResponse(FULL, 503, headers)(scope, receive, send)
            return
        asked = Request(scope)
        seen = asked.headers.get("last-event-id") or asked.query_params.get("since") or str(self._version())
        self.listeners += 1
        try:
            await EventSourceResponse(self._events(seen), ping=HEARTBEAT_SECONDS, sep="\n")(scope, receive, send)
        finally:
            self.listeners -= 1

    async def _events(self, seen: str) -> AsyncIterator[ServerSentEvent]:
        end = time.monotonic() + LONGEST_SECONDS
        yield ServerSentEvent(comment="listening", retry=RETRY_SECONDS * 1000)
        while not self._closing and time.monotonic() < end:
            now = str(self._version())
            if now != seen:
                seen = now
                yield ServerSentEvent(data=now, event="changed", id=now)
                await self._pause(LEAST_SECONDS)
            await self._pause(LOOK_SECONDS)

    async def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._closing and (left := end - time.monotonic()) > 0:
            await asyncio.sleep(min(left, LOOK_SECONDS))
