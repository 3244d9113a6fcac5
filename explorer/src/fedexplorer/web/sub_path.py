"""The explorer behind a proxy, under a part of its address: `https://example.org/explorer/`.

Links on the pages are relative, so a proxy that takes the sub-path off needs nothing else. If it leaves the sub-path in
the address, it is taken off here.
"""

from __future__ import annotations

import re

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

_SUB_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")


def sub_path(text: str) -> str:
    """A sub-path as a person writes it: `/explorer`, empty for none. Raises ValueError, which says what is wrong."""
    path = text.strip().rstrip("/")
    if path and not path.startswith("/"):
        path = "/" + path
    if not _SUB_PATH.fullmatch(path) or any(part in (".", "..") for part in path.split("/")):
        raise ValueError("must be a path of letters, digits, dots and dashes, such as /explorer")
    return path


class SubPath:
    """An ASGI application around `app`, whose addresses may begin with `prefix` or not. A slash at the end of an
    address is taken off, because relative links would lead one step too deep."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app, self._prefix = app, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, raw = scope["path"], scope.get("raw_path") or scope["path"].encode()
        if self._prefix and path == self._prefix:
            await _moved(self._prefix.rpartition("/")[2] + "/", scope)(scope, receive, send)
            return
        if self._prefix and path.startswith(self._prefix + "/"):
            path = path[len(self._prefix) :]
        if path != "/" and raw.endswith(b"/") and not raw.endswith(b"//"):
            last = raw[:-1].rpartition(b"/")[2].decode("latin-1")
            await _moved(f"../{last}", scope)(scope, receive, send)
            return
        await self._app({**scope, "root_path": self._prefix, "path": self._prefix + path}, receive, send)


def _moved(where: str, scope: Scope) -> Response:
    query = (scope.get("query_string") or b"").decode("latin-1")
    return Response(status_code=308, headers={"Location": where + (f"?{query}" if query else "")})
