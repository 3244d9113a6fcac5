"""Which chain an Ethereum node serves, for a program that only reads, or that works on a chain for development.

A program that signs must be told, or a wrong URL would have it act on another chain. A program that only looks may look
at another federation, because the same address can exist on several chains; so it must name the chain in what it shows.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from fedprotocol.chain.endpoint.http import Endpoint, NoAnswer, TooLarge
from fedprotocol.chain.endpoint.rpc import GREETING, MIB, parsed, public_name
from fedprotocol.chain.errors import ChainUnreachable

QUESTION = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}).encode()


def chain_id_of(rpc: Sequence[str], advice: str, seconds: float = GREETING) -> int:
    """The chain id of the first of the nodes that answers; each has so many `seconds`.

    Raises ChainUnreachable, with `advice` at the end of its message.
    """
    silent = []
    for url in rpc:
        try:
            response = parsed(Endpoint(url).post(QUESTION, MIB, seconds))
            chain_id = int(str(response["result"]), 16)
            if chain_id > 0:
                return chain_id
            silent.append(f"{public_name(url)} (no chain id)")
        except (NoAnswer, TooLarge) as error:
            silent.append(f"{public_name(url)} ({error or 'too long an answer'})")
        except (KeyError, ValueError):
            silent.append(f"{public_name(url)} (no chain id)")
    raise ChainUnreachable(
        f"no Ethereum node answers, so that the chain's id is not known: {', '.join(silent)}. {advice}"
    )
