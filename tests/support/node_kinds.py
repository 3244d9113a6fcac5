"""Nodes unlike anvil, most serve less than it does, as a proxy before one: `with NODES["seals its blocks"](url)`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from support.proxy import Proxy

TOO_MANY = {"code": -32602, "message": "too many arguments, want at most {most}"}
MISSING = {"code": -32601, "message": "the method does not exist or is not available"}
BUSY = {"code": -32000, "message": "execution aborted (timeout = 5s)"}
NOT_PENDING = {"code": -32000, "message": "pending block is not available"}
NOT_TYPED = {"code": -32000, "message": "transaction type not supported"}
FEES = ("eth_maxPriorityFeePerGas", "eth_feeHistory", "eth_gasPrice")
RECEIPT, RECEIPTS = "eth_getTransactionReceipt", ("eth_getTransactionReceipt", "eth_getTransactionByHash")
BLOCKS = ("eth_getBlockByNumber", "eth_getBlockByHash")
SIGNED = "0x" + 97 * "5a"  # vanity and seal of a block by proof of authority (clique); others put more there

Said = Mapping[str, Any]
Answer = Callable[[dict[str, Any]], Any]  # to a request; None: the node's own


def node(url: str, answer: Answer) -> Proxy:
    """`answer` may give an error, a number (an HTTP status), or a function that changes the node's own answer."""

    def changed(given: dict[str, Any]) -> Any:
        asked = proxy.seen[-1]
        reply = answer(asked)
        if callable(reply):
            return reply(given)
        if isinstance(reply, Mapping):
            return {"jsonrpc": "2.0", "id": asked["id"], "error": dict(reply)}
        return given if reply is None else reply

    proxy = Proxy(url, response=changed)
    return proxy


def at_most(method: str, most: int) -> Answer:
    """It takes so many parameters."""

    def answer(asked: dict[str, Any]) -> Any:
        is_refused = asked["method"] == method and len(asked["params"]) > most
        return {**TOO_MANY, "message": TOO_MANY["message"].format(most=most)} if is_refused else None

    return answer


def without(reply: Any, *methods: str) -> Answer:
    """To these methods it only says that: an error, or an HTTP status."""
    return lambda asked: reply if asked["method"] in methods else None


def result(value: Any, *methods: str) -> Answer:
    """What these methods answer."""
    return lambda asked: (lambda given: {**given, "result": value}) if asked["method"] in methods else None


def lacks(methods: tuple[str, ...], *fields: str, null: bool = False) -> Answer:
    """What these methods answer is without these fields, or has null in them; entries of its logs too."""

    def less(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        kept = {key: None if key in fields else inner for key, inner in value.items() if null or key not in fields}
        return kept | ({"logs": [less(log) for log in kept["logs"]]} if "logs" in kept else {})

    def changed(given: dict[str, Any]) -> dict[str, Any]:
        result = given.get("result")
        return {**given, "result": [less(item) for item in result] if isinstance(result, list) else less(result)}

    return lambda asked: changed if asked["method"] in methods else None


def seals(asked: dict[str, Any]) -> Any:
    """Blocks of proof of authority: more in `extraData` than 32 bytes."""

    def sealed(given: dict[str, Any]) -> dict[str, Any]:
        return {**given, "result": given["result"] and {**given["result"], "extraData": SIGNED}}

    return sealed if asked["method"] in BLOCKS else None


def null_pending(asked: dict[str, Any]) -> Any:
    if "pending" in asked["params"][1:] or asked["params"][:1] == ["pending"]:
        return lambda given: {"jsonrpc": "2.0", "id": given["id"], "result": None}
    return None


def no_pending(asked: dict[str, Any]) -> Any:
    return NOT_PENDING if "pending" in asked["params"] else None


def legacy(asked: dict[str, Any]) -> Any:
    """A chain that never took EIP-1559: no base fee, no tips, no typed transactions."""
    if asked["method"] == "eth_sendRawTransaction" and int(asked["params"][0][2:4], 16) < 0xC0:
        return NOT_TYPED
    no_fields = lacks(
        (*BLOCKS, *RECEIPTS), "baseFeePerGas", "effectiveGasPrice", "maxFeePerGas", "maxPriorityFeePerGas"
    )
    return without(MISSING, "eth_maxPriorityFeePerGas", "eth_feeHistory")(asked) or no_fields(asked)


free = result("0x0", "eth_gasPrice")  # where the base fee is zero, or there is none


def standard(asked: dict[str, Any]) -> Any:
    """Nothing beyond the standard: no overrides, no `debug_…`, no `trace_…`."""
    if asked["method"].startswith(("debug_", "trace_", "parity_", "anvil_", "evm_")):
        return MISSING
    return at_most("eth_call", 2)(asked) or at_most("eth_estimateGas", 2)(asked)


OPTIONAL = (
    *("effectiveGasPrice", "type", "contractAddress", "transactionIndex", "cumulativeGasUsed", "logsBloom", "gasUsed"),
    *("from", "to", "removed", "blockTimestamp", "chainId", "maxFeePerGas", "gasPrice", "accessList", "v", "r", "s"),
    *("difficulty", "totalDifficulty", "mixHash", "nonce", "size", "uncles", "withdrawals", "extraData", "gasLimit"),
)

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
        "has no fee history": without(MISSING, "eth_feeHistory"),
        "has a chain without base fees": legacy,
        "seals its blocks": seals,
        "says null of pending": null_pending,
        "refuses what is pending": no_pending,
        "leaves out what is optional": lacks((*BLOCKS, *RECEIPTS, "eth_getLogs"), *OPTIONAL),
        "says null of what is optional": lacks((*BLOCKS, *RECEIPTS, "eth_getLogs"), *OPTIONAL, null=True),
    }.items()
}

NO_ESTIMATE = {"does not estimate", "has no time to estimate", "answers estimates with 504"}
