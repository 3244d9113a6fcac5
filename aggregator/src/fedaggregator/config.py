"""`aggregator.toml`: the tables every daemon has (`fedprotocol.config`) and the aggregator's own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from fedprotocol.chains import usual_confirmations
from fedprotocol.config import ConnectionConfig, Section, as_comments
from pydantic import Field

DEFAULT_NAME = "aggregator.toml"


class AggregatorSection(Section):
    """`[aggregator]`."""

    window_leaves: int = Field(default=0, ge=0)  # how many leaves are merged at once; 0: see `merge`
    keep_rounds: int = Field(default=8, ge=1)  # how many settled rounds keep their inputs and global pinned


class AggregatorConfig(ConnectionConfig):
    """The whole file. Paths are absolute once loaded."""

    aggregator: AggregatorSection = AggregatorSection()

    @property
    def status(self) -> Path:
        """The status file of the running aggregator (JSON; each write replaces it whole)."""
        return self.home / "status.json"


TEMPLATE = """\
# An aggregator of one federation. Relative paths are relative to this file.
{remarks}
home = {home}                       # journal, status, temporary files

[chain]
rpc = {rpc}   # Ethereum nodes, tried in this order
chain_id = {chain_id}
coordinator = {coordinator}
# confirmations = {confirmations}                 # blocks that must lie on top of what is acted upon
# poll_seconds = 2.0
# websocket = ["ws://127.0.0.1:8546"] # where new blocks are announced; default: at the addresses of rpc; []: only poll
# max_fee_gwei = 500.0              # never pay more for a unit of gas
# trusted_code = []                 # hashes of contracts' code that is not of this version and is trusted all the same

[store]
url = {store}                 # this aggregator's own: dir:folder, or kubo:http://127.0.0.1:5001
peers = {peers}                          # to read from, in turn: dir:folder (kubo: /ip4/…/p2p/…), https://gateway
# find_peers = true                 # also read from where the others announce on the chain that they serve
# announce = ["https://gateway"]    # where others can read this store; announced on the chain (a transaction)

[account]
keystore = {keystore}          # encrypted; `fedaggregator init` makes one if there is none
{password_line}
# Or, in place of keystore: signer (the URL of a program that signs: Web3Signer, Clef) and address (the account's)

[aggregator]
# window_leaves = 0                 # how many leaves are merged at once; 0: as many as fit a processor's cache
# keep_rounds = 8                   # how many settled rounds keep their inputs and global pinned

[monitor]
# port = 0                          # /metrics and /health on 127.0.0.1, such as 9464; 0: none

# [tokens]                          # servers that want to see a token (Authorization: Bearer …), each with its file
# "https://node.example.org" = "node-token.txt"
"""


def render(
    rpc: Sequence[str],
    chain_id: int,
    coordinator: str,
    store: str,
    peers: Sequence[str],
    keystore: str,
    password_file: str | None,
    home: str = "home",
    remarks: Sequence[str] = (),
) -> str:
    """The text of a config file, commented. `remarks`: lines for its head."""
    # Strings and arrays of strings are written in the same way in JSON and TOML.
    password = (
        f"password_file = {json.dumps(password_file)}"
        if password_file
        else '# password_file = "password.txt"    # mode 600; else FED_PASSWORD_FILE, or a question at the terminal'
    )
    return TEMPLATE.format(
        remarks=as_comments(remarks),
        home=json.dumps(home),
        rpc=json.dumps(list(rpc)),
        chain_id=chain_id,
        confirmations=usual_confirmations(chain_id),
        coordinator=json.dumps(coordinator),
        store=json.dumps(store),
        peers=json.dumps(list(peers)),
        keystore=json.dumps(keystore),
        password_line=password,
    )
