"""Errors of our own, of which a visitor learns a number and the log the rest."""

from __future__ import annotations

import logging
import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fedexplorer.web.refusals import Page, Refusal, refuse

log = logging.getLogger(__name__)

LONGEST_PATH = 200  # characters of it in the log
SORRY = "The explorer has met an error of its own. Whoever runs it finds it in the log under the number {number}."


class Failures:
    """An ASGI application around `app`. If the answer has begun, the connection is cut, which tells the visitor that it
    is not whole."""

    def __init__(self, app: ASGIApp, page: Page) -> None:
        self._app, self._page = app, page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def sent(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception:
            if has_begun or scope["type"] != "http":
                raise
            number = secrets.token_hex(4)
            log.exception("error %s while answering %s %r", number, scope["method"], scope["path"][:LONGEST_PATH])
            await refuse(Refusal(500, SORRY.format(number=number)), self._page, scope, receive, send)
