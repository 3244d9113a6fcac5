"""The HTTP interface: /v1/models, /v1/completions, /v1/chat/completions, /health."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from fednode.serving.asked import Asked, AskedChat, AskedCompletion, read
from fednode.serving.errors import Refused
from fednode.serving.making import Making
from fednode.serving.newest import Newest
from fednode.serving.served_model import ServedModel
from fednode.serving.told import END, Telling, event, fingerprint

HOSTS = ["localhost", "127.0.0.1"]  # a web page under another name that leads here gets nothing
LONGEST_BODY = 1 << 20  # bytes
Kind = type[AskedChat] | type[AskedCompletion]
Endpoint = Callable[[Request], Awaitable[Response]]


class Api:
    """`name`: the model's, which requests must give; `served` has a global already."""

    def __init__(self, served: ServedModel, newest: Newest, name: str) -> None:
        self._served = served
        self._newest = newest
        self._name = name
        self._begun = int(time.time())

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/models", self._models),
                Route("/v1/models/{name:path}", self._model),
                Route("/v1/chat/completions", self._answers(AskedChat, "chatcmpl"), methods=["POST"]),
                Route("/v1/completions", self._answers(AskedCompletion, "cmpl"), methods=["POST"]),
                Route("/health", self._health),
            ],
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)],
            exception_handlers={Refused: _refused, HTTPException: _no_such_page},
        )

    async def _models(self, _: Request) -> Response:
        return JSONResponse({"object": "list", "data": [self._described()]})

    async def _model(self, request: Request) -> Response:
        self._check_name(request.path_params["name"])
        return JSONResponse(self._described())

    async def _health(self, _: Request) -> Response:
        now = self._served.now
        return JSONResponse({"round": now.round, "root": "0x" + now.root.hex(), "problem": self._newest.problem})

    def _answers(self, kind: Kind, prefix: str) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            asked = read(kind, await _body(request))
            self._check_name(asked.model)
            ids = await run_in_threadpool(self._served.tokens_of, asked.turns)
            identity = f"{prefix}-{secrets.token_hex(12)}"
            telling = Telling(isinstance(asked, AskedChat), self._name, identity, int(time.time()))
            making = Making(self._served, asked, ids)
            if asked.stream:
                return StreamingResponse(_events(making, telling, asked), media_type="text/event-stream")
            text = "".join([part async for part, _ in making.parts()])
            made = await making.made()
            return JSONResponse(telling.whole(made.answer, text, made.finish, made.by))

        return endpoint

    def _described(self) -> dict[str, Any]:
        owner = {"owned_by": "federation", "system_fingerprint": fingerprint(self._served.now)}
        return {"id": self._name, "object": "model", "created": self._begun, **owner}

    def _check_name(self, asked: str) -> None:
        if asked != self._name:
            raise Refused(
                f"there is no model {asked!r:.100}; this server has {self._name!r}",
                status=404,
                code="model_not_found",
                parameter="model",
            )


async def _events(making: Making, telling: Telling, asked: Asked) -> AsyncIterator[str]:
    is_first = True
    try:
        async for text, by in making.parts():
            yield telling.part(text, None, by, is_first)
            is_first = False
        made = await making.made()
        yield telling.part("", made.finish, made.by, is_first)
        if asked.wants_usage:
            yield telling.counts(made.answer, made.by)
        yield END
    except Refused as error:
        yield event(json.dumps(error.body()))
    finally:
        making.give_up()


async def _body(request: Request) -> bytes:
    """Raises Refused. Only JSON: what a browser sends for another site's page without asking is not JSON."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused("send JSON, with the header Content-Type: application/json", status=415)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise Refused(f"the request is longer than {LONGEST_BODY} bytes", status=413)
    return bytes(body)


async def _refused(_: Request, error: Exception) -> Response:
    refused = cast(Refused, error)
    return JSONResponse(refused.body(), refused.status)


async def _no_such_page(request: Request, error: Exception) -> Response:
    status = cast(HTTPException, error).status_code
    there = "there are /v1/models, /v1/completions, /v1/chat/completions and /health"
    return await _refused(request, Refused(f"{request.method} {request.url.path}: {there}", status))
