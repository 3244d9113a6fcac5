"""Nodes that serve less than anvil does, as a proxy in front of one: `with NODES["does not estimate"](url) as node`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from support.proxy import Proxy

TOO_MANY = {"code": -32602, "message": "too many arguments, want at most {most}"}
MISSING = {"code": -32601, "message": "the method does not exist or is not available"}
BUSY = {"code": -32000, "message": "execution aborted (timeout = 5s)"}
FEES = ("eth_maxPriorityFeePerGas", "eth_feeHistory", "eth_gasPrice")

Answer = Callable[[dict[str, Any]], Any]  # to a request; None: the node's own


def node(url: str, answer: Answer) -> Proxy:
    def changed(given: dict[str, Any]) -> Any:
        asked = proxy.seen[-1]
        said = answer(asked)
        if isinstance(said, dict):
            return {"jsonrpc": "2.0", "id": asked["id"], "error": said}
        return given if said is None else said

    proxy = Proxy(url, response=changed)
    return proxy


def at_most(method: str, most: int) -> Answer:
    """It takes so many parameters."""

    def answer(asked: dict[str, Any]) -> Any:
        is_refused = asked["method"] == method and len(asked["params"]) > most
        return {**TOO_MANY, "message": TOO_MANY["message"].format(most=most)} if is_refused else None

    return answer


def without(said: Any, *methods: str) -> Answer:
    """To these methods it only says that: an error, or an HTTP status."""
    return lambda asked: said if asked["method"] in methods else None


def standard(asked: dict[str, Any]) -> Any:
    """Nothing beyond the standard: no overrides, no `debug_…`, no `trace_…`."""
    if asked["method"].startswith(("debug_", "trace_", "parity_", "anvil_", "evm_")):
        return MISSING
    return at_most("eth_call", 2)(asked) or at_most("eth_estimateGas", 2)(asked)


NODES: dict[str, Callable[[str], Proxy]] = {
    name: functools.partial(node, answer=answer)
    for name, answer in {
        "serves the standard alone": standard,
        "estimates without a block": at_most("eth_estimateGas", 1),
        "does not estimate": without(MISSING, "eth_estimateGas"),
        "has no time to estimate": without(BUSY, "eth_estimateGas"),
        "answers estimates with 504": without(504, "eth_estimateGas"),
        "names no price": without(MISSING, *FEES),
        "answers prices with 504": without(504, *FEES),
    }.items()
}

NO_ESTIMATE = {"does not estimate", "has no time to estimate", "answers estimates with 504"}
