"""`aggregator.toml`: the tables every daemon has (`fedprotocol.config`) and the aggregator's own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from fedprotocol.config import ConnectionConfig, Section, as_comments
from fedprotocol.config_text import CHAIN, MONITOR, STORE, connection
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


TEMPLATE = (
    """\
# An aggregator of one federation. Relative paths are relative to this file.
{remarks}
home = {home}                       # journal, status, temporary files

"""
    + CHAIN
    + "\n"
    + STORE
    + """
[account]
keystore = {keystore}          # encrypted; `fedaggregator init` makes one if there is none
{password_line}
# Or, in place of keystore: signer (the URL of a program that signs: Web3Signer, Clef) and address (the account's)

[aggregator]
# window_leaves = 0                 # how many leaves are merged at once; 0: as many as fit a processor's cache
# keep_rounds = 8                   # how many settled rounds keep their inputs and global pinned

"""
    + MONITOR
)


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
    password = (
        f"password_file = {json.dumps(password_file)}"
        if password_file
        else '# password_file = "password.txt"    # mode 600; else FED_PASSWORD_FILE, or a question at the terminal'
    )
    return TEMPLATE.format(
        remarks=as_comments(remarks),
        home=json.dumps(home),
        **connection("aggregator", rpc, chain_id, coordinator, store, peers),
        keystore=json.dumps(keystore),
        password_line=password,
    )
