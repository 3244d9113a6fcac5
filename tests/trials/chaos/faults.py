"""How an HTTP server can fail those who ask it. Each gets the request and a way to the real one."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

HEAD_TAGS = ("latest", "pending", "safe", "finalized")


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Response:
    """`pace`: bytes a second at which it is sent; 0: at once."""

    status: int
    headers: dict[str, str]
    body: bytes
    pace: int = 0


Forward = Callable[[Request], Response]


class Fault(Protocol):
    def answer(self, request: Request, forward: Forward, /) -> Response | None:
        """None: the connection is cut."""


class Down:
    """Nobody there."""

    def answer(self, _request: Request, _forward: Forward) -> Response | None:
        return None


class LostAnswer:
    """It is done, and the connection breaks before anybody is told."""

    def answer(self, request: Request, forward: Forward) -> Response | None:
        forward(request)
        return None


class ServerError:
    def answer(self, _request: Request, _forward: Forward) -> Response | None:
        return Response(500, {"Content-Type": "text/plain"}, b"internal error")


class Garbage:
    """Says that all is well, in bytes that mean nothing."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def answer(self, _request: Request, _forward: Forward) -> Response | None:
        return Response(200, {"Content-Type": "application/json"}, self._rng.randbytes(200))


class Slow:
    """Thinks first, then sends a few kilobytes a second."""

    def __init__(self, seconds: float, pace: int = 4096) -> None:
        self._seconds, self._pace = seconds, pace

    def answer(self, request: Request, forward: Forward) -> Response | None:
        time.sleep(self._seconds)
        return replace(forward(request), pace=self._pace)


class WrongBytes:
    """Of every answer one bit is another."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def answer(self, request: Request, forward: Forward) -> Response | None:
        response = forward(request)
        if not response.body:
            return response
        body = bytearray(response.body)
        body[self._rng.randrange(len(body))] ^= 1 << self._rng.randrange(8)
        return replace(response, body=bytes(body))


class Stale:
    """An Ethereum node that is `depth` blocks behind and takes its last block for the head."""

    def __init__(self, depth: int) -> None:
        self._depth = depth

    def answer(self, request: Request, forward: Forward) -> Response | None:
        call = json.loads(request.body)

        def ask(method: str, params: list[Any]) -> Any:
            body = json.dumps({**call, "method": method, "params": params}).encode()
            return json.loads(forward(replace(request, body=body)).body).get("result")

        last = max(0, int(ask("eth_blockNumber", []), 16) - self._depth)
        if call["method"] == "eth_blockNumber":
            return _result(call, hex(last))
        if call["method"] in ("eth_getTransactionReceipt", "eth_getTransactionByHash"):
            found = ask(call["method"], call["params"])
            known = found is not None and found["blockNumber"] is not None and int(found["blockNumber"], 16) <= last
            return _result(call, found if known else None)
        changed = {**call, "params": [_until(param, last) for param in call.get("params", [])]}
        return forward(replace(request, body=json.dumps(changed).encode()))


def _until(param: Any, last: int) -> Any:
    """`param` with the head of the chain being block `last`."""
    if isinstance(param, str) and param in HEAD_TAGS:
        return hex(last)
    if isinstance(param, dict) and "toBlock" in param:
        to = param["toBlock"]
        return {**param, "toBlock": hex(last if to in HEAD_TAGS else min(last, int(to, 16)))}
    return param


def _result(call: dict[str, Any], result: Any) -> Response:
    body = json.dumps({"jsonrpc": "2.0", "id": call["id"], "result": result}).encode()
    return Response(200, {"Content-Type": "application/json"}, body)
