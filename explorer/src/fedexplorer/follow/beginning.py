"""Where the history of a federation begins."""

from __future__ import annotations

from fedprotocol.chain.errors import ChainUnreachable, RpcRefused, translated
from fedprotocol.chain.read.coordinator import Coordinator


def first_block(coordinator: Coordinator) -> int:
    """The block that the coordinator was created in, by bisection; 0 if the node has forgotten the state of old blocks,
    as most do. The log has to be read from here, not from round 1: the first stakes and funds came before that.

    Raises ChainUnreachable.
    """
    low, high = 0, coordinator.head()
    try:
        while low < high:
            middle = (low + high) // 2
            with translated("eth_getCode"):
                is_there = bool(coordinator.web3.eth.get_code(coordinator.address, middle))
            low, high = (low, middle) if is_there else (middle + 1, high)
    except ChainUnreachable:
        raise
    except RpcRefused:
        return 0
    return low
