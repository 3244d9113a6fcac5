"""What stands between the network and the pages: refusals, headers that tell browsers to be strict, and errors that say
nothing about this machine."""

from __future__ import annotations

from collections.abc import Collection

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fedexplorer.web.etag import Tagged
from fedexplorer.web.failures import Failures
from fedexplorer.web.limits import refusal
from fedexplorer.web.refusals import Page, refuse
from fedexplorer.web.sub_path import SubPath

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
"""Nothing inline, nothing from elsewhere, in no frame."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with less, browsers do not say where a form comes from
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), clipboard-write=(self)",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
}
WEB_SOCKET_REFUSED = 1008  # policy violation, by RFC 6455


class _Answered(Exception):
    """Everything that the visitor asked for was sent."""


class Guard:
    """An ASGI application around `app`. It answers HEAD as it answers GET, without the body.

    Args:
        names: the names of hosts under which the explorer may be asked, see `fedexplorer.web.hosts`.
        page: how a refusal is shown.
    """

    def __init__(self, app: ASGIApp, names: Collection[str], page: Page) -> None:
        self._app, self._names, self._page = app, frozenset(names), page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "websocket":  # no page uses them
            await receive()
            await send({"type": "websocket.close", "code": WEB_SOCKET_REFUSED})
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_head = scope["method"] == "HEAD"

        async def strict(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message.get("headers", ())))
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "no-cache")
                await send({**message, "headers": headers.raw})
            elif is_head:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                raise _Answered  # or a stream would go on
            else:
                await send(message)

        try:
            if (refused := refusal(scope, self._names)) is not None:
                await refuse(refused, self._page, scope, receive, strict)
            else:
                await self._app({**scope, "method": "GET"} if is_head else scope, receive, strict)
        except _Answered:
            return


def protected(app: Starlette, names: Collection[str], page: Page, sub_path: str = "") -> ASGIApp:
    """`app` as the network may see it. `sub_path`: see `SubPath`; the rest: see `Guard`."""

    def shown(status: int, text: str, here: str) -> str:
        return page(status, text, here.removeprefix(sub_path) if here.startswith(sub_path + "/") else here)

    app.add_middleware(Failures, page=shown)
    return Guard(SubPath(Tagged(app), sub_path), names, shown)
