"""How a request is refused, and an error told: as a page, or as JSON under `/api`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

Page = Callable[[int, str, str], str]
"""The HTML that says what is wrong: of an HTTP status, a sentence, and the path that was asked for."""


@dataclass(frozen=True)
class Refusal:
    """Why a request is not answered, in a sentence for the visitor."""

    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)


async def refuse(refused: Refusal, page: Page, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the refusal, and end the connection."""
    headers = {**refused.headers, "Cache-Control": "no-store", "Connection": "close"}
    path = scope["path"]
    response: Response
    if path.startswith(scope.get("root_path", "") + "/api/"):
        response = JSONResponse({"error": refused.text}, refused.status, headers)
    else:
        response = HTMLResponse(page(refused.status, refused.text, path), refused.status, headers)
    await response(scope, receive, send)
