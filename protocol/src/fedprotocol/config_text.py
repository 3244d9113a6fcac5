"""The text of the tables that every program's new config file has (`fedprotocol.config`), commented."""

from __future__ import annotations

import json
from collections.abc import Sequence

from fedprotocol.chains import usual_confirmations

CHAIN = """\
[chain]
rpc = {rpc}   # Ethereum nodes, tried in this order
chain_id = {chain_id}
coordinator = {coordinator}
# confirmations = {confirmations}                 # blocks that must lie on top of what is acted upon
# poll_seconds = 2.0
# websocket = ["ws://127.0.0.1:8546"] # where new blocks are announced; default: at the addresses of rpc; []: only poll
# max_fee_gwei = 500.0              # never pay more for a unit of gas
# trusted_code = []                 # hashes of contracts' code that is not of this version and is trusted all the same
"""
STORE = """\
[store]
url = {store}                 # this {program}'s own: dir:folder, or kubo:http://127.0.0.1:5001
peers = {peers}                          # to read from, in this order: dir:folder (kubo: /ip4/…/p2p/…), https://gateway
# find_peers = true                 # also read from where the others announce on the chain that they serve
# announce = ["https://gateway"]    # where others can read this store; announced on the chain (a transaction)
"""
MONITOR = """\
[monitor]
# port = 0                          # /metrics and /health on 127.0.0.1, such as 9464; 0: none

# [tokens]                          # servers that want to see a token (Authorization: Bearer …), each with its file
# "https://node.example.org" = "node-token.txt"
"""


def connection(
    program: str, rpc: Sequence[str], chain_id: int, coordinator: str, store: str, peers: Sequence[str]
) -> dict[str, str | int]:
    """What the braces in CHAIN and STORE stand for. `program`: "node" or "aggregator", whose own the store is."""
    # Strings and arrays of strings are written in the same way in JSON and TOML.
    return {
        "program": program,
        "rpc": json.dumps(list(rpc)),
        "chain_id": chain_id,
        "confirmations": usual_confirmations(chain_id),
        "coordinator": json.dumps(coordinator),
        "store": json.dumps(store),
        "peers": json.dumps(list(peers)),
    }
