"""Which error of a node is the chain's own answer, the same from every node, and which only this node's.

Providers have a code and words of their own for every limit, so neither is listed: whatever is not certainly the
chain's counts as the node's, and another endpoint may well do it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from web3.types import RPCError

from fedprotocol.chain.abi import WORD
from fedprotocol.chain.endpoint.broadcast import Refusal, classify
from fedprotocol.chain.endpoint.reverts import REVERT_CODE, revert_data, speaks_of_a_revert

RUNS = {"eth_call", "eth_estimateGas"}  # methods that run a contract
SENDS = "eth_sendRawTransaction"
SELECTOR = 4  # bytes that what Solidity reverts with begins with, before words
OTHER_CODE = -32603  # where a node gives none: an internal error
CERTAIN = {Refusal.KNOWN, Refusal.NONCE_USED}  # answers to a transaction that was sent


class Weight(IntEnum):
    """What an error counts against the answers of other endpoints."""

    OF_THE_NODE = 0  # a limit, a method it lacks, a state it does not keep; also whatever is not understood
    LIKELY = 1  # of the chain, by its message alone
    OF_THE_CHAIN = 2  # no other endpoint need be asked


def weight(method: str, error: RPCError) -> Weight:
    """Of a node's `error`, in the form of `plain`."""
    if method in RUNS:
        if "data" in error:
            return Weight.OF_THE_CHAIN
        return Weight.LIKELY if speaks_of_a_revert(error) else Weight.OF_THE_NODE
    if method == SENDS:
        refusal = classify(error["message"])
        if refusal in CERTAIN:
            return Weight.OF_THE_CHAIN
        return Weight.OF_THE_NODE if refusal is Refusal.REFUSED else Weight.LIKELY
    return Weight.OF_THE_NODE


def plain(error: Any) -> RPCError:
    """An error as the standard has it, whatever form it came in: with `data` ("0x…") if a contract reverted with that,
    and without any other data, which web3.py takes for a revert."""
    if not isinstance(error, Mapping):
        return RPCError(code=OTHER_CODE, message=str(error))
    code = error.get("code")
    message = str(error.get("message") or dict(error))
    data = revert_data(error)
    if data is not None and (speaks_of_a_revert(error) or len(data) % WORD == SELECTOR):
        return RPCError(code=REVERT_CODE, message=message, data="0x" + data.hex())
    return RPCError(code=code if isinstance(code, int) else OTHER_CODE, message=message)
