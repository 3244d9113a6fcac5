"""How much gas a call is given: the node's estimate where it gives one, by the standard's two parameters or by one."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hexbytes import HexBytes
from web3 import Web3
from web3.eth import Eth
from web3.types import RPCEndpoint, TxParams

from fedprotocol.chain.errors import ChainUnreachable, RpcRefused, translated

log = logging.getLogger(__name__)

TX_GAS_LIMIT = 2**24  # EIP-7825
SPARE_GAS = 150_000  # time may decide more between the estimate and the block, and the same call then settles that too


@contextmanager
def advisory(label: str, only: bool = True) -> Iterator[None]:
    """Use it around a request that may fail without harm: if the node refuses or does not answer, this is only logged.
    If `only` is false, the error is raised."""
    try:
        yield
    except (RpcRefused, ChainUnreachable) as error:
        if not only:
            raise
        log.warning("%s: goes on without: %s", label, error)


def gas_for(eth: Eth, request: TxParams, label: str, bound: int | None = None) -> int:
    """The gas limit of a transaction, after a dry run. `bound`: what the call takes at most, if the caller knows this.
    If there is no estimate, the limit is `bound`, or as much as a transaction may take.

    Raises:
        ContractReverted: the contract refuses the call.
        ChainUnreachable, RpcRefused: there was no dry run, and there is no `bound`.
    """
    with advisory(label, bound is not None), translated(label):
        eth.call(request, "pending")
    most = TX_GAS_LIMIT
    with advisory(label), translated(label):
        most = min(most, eth.get_block("latest")["gasLimit"])
    estimate = estimated(eth, request, label)
    if estimate is None:
        return most if bound is None else bound
    return max(estimate, min(estimate * 5 // 4 + SPARE_GAS, most))


def estimated(eth: Eth, request: TxParams, label: str) -> int | None:
    """How much gas a call takes by the node's estimate. None if the node gives none. Raises ContractReverted."""
    try:
        with translated(label):
            return eth.estimate_gas(request, "pending")
    except RpcRefused as error:
        log.debug("%s: asking for an estimate without a block, because of: %s", label, error)
    except ChainUnreachable as error:
        log.warning("%s: no estimate: %s", label, error)
        return None
    plain = {"from": request["from"], "to": request["to"], "data": Web3.to_hex(HexBytes(request["data"]))}
    answer: Mapping[str, Any] = {}
    with advisory(label), translated(label):
        answer = eth.w3.provider.make_request(RPCEndpoint("eth_estimateGas"), [plain])  # web3.py always adds a block
        if isinstance(gas := answer.get("result"), str):
            return int(gas, 16)
    # This includes a revert: such a node computes at the last block, where the call may be too early.
    log.warning("%s: no estimate: %s", label, answer.get("error"))
    return None
