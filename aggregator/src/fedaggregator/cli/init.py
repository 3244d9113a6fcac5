"""`fedaggregator init`: a commented config file, and a key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from fedprotocol.program.terminal import say

from fedaggregator.cli.shared_options import (
    DEFAULT,
    ChainIdOption,
    ConfigOption,
    CoordinatorOption,
    InvitationOption,
    PeerOption,
    RpcOption,
    StoreOption,
)


def init(
    invitation: InvitationOption = None,
    coordinator: CoordinatorOption = None,
    chain_id: ChainIdOption = None,
    rpc: RpcOption = None,
    store: StoreOption = None,
    peer: PeerOption = None,
    keystore: Annotated[Path, typer.Option(help="Encrypted key file; it is made if it does not exist.")] = Path(
        "keystore.json"
    ),
    password_file: Annotated[Path | None, typer.Option(help="File of mode 600 with the key's password.")] = None,
    config: ConfigOption = DEFAULT,
) -> None:
    """Write a config file with comments, from the sponsor's invitation, and make a key if there is none.

    Only its owner can read the file (mode 600), because an RPC URL may contain a key.
    """
    from fedprotocol.chain.account import keys
    from fedprotocol.chain.account.signer import address_in, keystore_of
    from fedprotocol.config import ConfigError, load_config
    from fedprotocol.deployment.received import connection
    from fedprotocol.files.whole import PRIVATE, written_whole

    from fedaggregator.config import AggregatorConfig, render

    if config.exists():
        raise ConfigError(f"{config} exists and is not overwritten: choose another file with --config, or move it away")
    given = connection(invitation, coordinator, chain_id, rpc or (), store, peer or ())
    text = render(
        given.rpc,
        given.chain_id,
        given.coordinator,
        given.store,
        given.peers,
        str(keystore),
        str(password_file) if password_file else None,
        remarks=given.remarks,
    )
    with written_whole(config, PRIVATE) as file:
        file.write(text.encode())
        file.flush()
        loaded = load_config(Path(file.name), AggregatorConfig, config)
        path = keystore_of(loaded.account)
        if not path.exists():
            keys.create(path, keys.read_password(loaded.account.password_file, confirm=True))
        address = address_in(path, loaded.account.password_file)
    say(*given.remarks)
    say(f"wrote {config}; the account is {address}: send it ether for gas and tokens for the bond")
