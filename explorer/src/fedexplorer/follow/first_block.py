"""Where a federation's log begins."""

from __future__ import annotations

from fedprotocol.chain.errors import ChainUnreachable, RpcRefused, translated
from fedprotocol.chain.read.coordinator import Coordinator


def first_block(coordinator: Coordinator) -> int:
    """The block in which the coordinator was made, by bisection; 0 if the node does not keep the state of old blocks,
    so that the log is read from the chain's beginning.

    Raises ChainUnreachable.
    """
    low, high = 0, coordinator.head()
    try:
        while low < high:
            middle = (low + high) // 2
            if _is_there(coordinator, middle):
                high = middle
            else:
                low = middle + 1
    except ChainUnreachable:
        raise
    except RpcRefused:
        return 0
    return low


def _is_there(coordinator: Coordinator, block: int) -> bool:
    with translated("eth_getCode"):
        return bool(coordinator.web3.eth.get_code(coordinator.address, block))
