"""Which errors are the chain's own answer, the same from every node, and which come only from this node. Providers have
their own codes and words for each limit, so no list of them is kept: an error that is not certainly the chain's counts
as this node's, and another endpoint may be able to answer.
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
OTHER_CODE = -32603  # used if a node gives no code: an internal error
CERTAIN = {Refusal.KNOWN, Refusal.NONCE_USED}  # answers to a transaction that was sent


class Weight(IntEnum):
    """How much an error counts, compared with the answers of other endpoints."""

    # this node's: a limit, a method that it lacks, a state that it does not keep, or an error that is not understood
    OF_THE_NODE = 0
    LIKELY = 1  # of the chain, by its message alone
    OF_THE_CHAIN = 2  # certainly the chain's: no other endpoint need be asked


def weight(method: str, error: RPCError) -> Weight:
    """How much a node's `error`, in the form of `plain`, counts."""
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
    """An error in the form of the standard, whatever form it came in. It has `data` ("0x…") only if a contract reverted
    with that, because web3.py takes any data for a revert."""
    if not isinstance(error, Mapping):
        return RPCError(code=OTHER_CODE, message=str(error))
    code = error.get("code")
    message = str(error.get("message") or dict(error))
    data = revert_data(error)
    if data is not None and (speaks_of_a_revert(error) or len(data) % WORD == SELECTOR):
        return RPCError(code=REVERT_CODE, message=message, data="0x" + data.hex())
    return RPCError(code=code if isinstance(code, int) else OTHER_CODE, message=message)
