"""`fednode init`: a commented config file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from fedaggregator.cli.shared_options import (
    ChainIdOption,
    CoordinatorOption,
    InvitationOption,
    PeerOption,
    RpcOption,
    StoreOption,
)
from fedprotocol.program.terminal import say

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption


def init(
    invitation: InvitationOption = None,
    coordinator: CoordinatorOption = None,
    chain_id: ChainIdOption = None,
    rpc: RpcOption = None,
    train: Annotated[
        Path, typer.Option(help="This site's training data, of any kind that `fednode data check` reads.")
    ] = Path("train.jsonl"),
    store: StoreOption = None,
    peer: PeerOption = None,
    model: Annotated[
        str | None,
        typer.Option(help="Local folder or .gguf file of the base model. Default: the spec's model, from the hub."),
    ] = None,
    test: Annotated[Path | None, typer.Option(help="Test data that every new global model is scored on.")] = None,
    password_file: Annotated[Path | None, typer.Option(help="File of mode 600 with the key's password.")] = None,
    keystore: Annotated[Path, typer.Option(help="Encrypted key file, which `fednode account new` makes.")] = Path(
        "key.json"
    ),
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write a config file with comments, from the sponsor's invitation. Nothing is sent, and no key is made.

    Only its owner can read the file (mode 600), because an RPC URL may contain a key.
    """
    from fedprotocol.config import ConfigError
    from fedprotocol.deployment.received import connection
    from fedprotocol.files.whole import PRIVATE, written_whole

    from fednode.config import load, render
    from fednode.privacy import notice

    if config.exists():
        raise ConfigError(f"{config} exists and is not overwritten: choose another with --config, or move it away")
    given = connection(invitation, coordinator, chain_id, rpc or (), store, peer or ())
    text = render(
        rpc=given.rpc,
        chain_id=given.chain_id,
        coordinator=given.coordinator,
        store=given.store,
        peers=given.peers,
        keystore=str(keystore),
        train=str(train),
        password_file=str(password_file) if password_file else None,
        model=_model_path(model),
        test=str(test) if test else None,
        remarks=given.remarks,
    )
    with written_whole(config, PRIVATE) as file:
        file.write(text.encode())
        file.flush()
        load(Path(file.name), config)
    say(*given.remarks)
    say(*notice())
    say(f"wrote {config}. Next: `fednode account new`, then `fednode doctor`")


def _model_path(source: str | None) -> str | None:
    """A folder or file that is there is written as a path; anything else is a hub id."""
    if source is None or source.startswith((".", "/", "~")) or not Path(source).exists():
        return source
    return f"./{source}"
