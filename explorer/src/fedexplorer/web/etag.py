"""Answers that a browser has already are not sent again: each whole answer has a tag that follows from its bytes."""

from __future__ import annotations

import hashlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEPT = ("cache-control", "etag", "content-location", "vary", "expires", "date")
"""The headers of an answer "not modified", by RFC 9110, section 15.4.5."""


class Tagged:
    """An ASGI application around `app`. What is sent in pieces (streams, long tables) has no tag."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        held: list[Message] = []

        async def passed(message: Message) -> None:
            if message["type"] == "http.response.start":
                held.append(message)
                return
            if held:
                message = await _begun(held.pop(), message, Headers(scope=scope), send)
            await send(message)

        await self._app(scope, receive, passed)


async def _begun(start: Message, first: Message, asked: Headers, send: Send) -> Message:
    """Sends the beginning of an answer; returns what of its body has to follow."""
    headers = MutableHeaders(raw=list(start.get("headers", ())))
    if start["status"] != 200 or first.get("more_body") or "etag" in headers:
        await send(start)
        return first
    tag = f'"{hashlib.sha256(first.get("body", b"")).hexdigest()[:32]}"'
    headers["ETag"] = tag
    if not has(asked.get("if-none-match", ""), tag):
        await send({**start, "headers": headers.raw})
        return first
    kept = [(name, value) for name, value in headers.raw if name.decode("latin-1") in KEPT]
    await send({**start, "status": 304, "headers": kept})
    return {"type": "http.response.body", "body": b"", "more_body": False}


def has(condition: str, tag: str) -> bool:
    """Whether an If-None-Match header names `tag`, in the weak comparison of RFC 9110, section 13.1.2."""
    return condition.strip() == "*" or tag in (part.strip().removeprefix("W/") for part in condition.split(","))
