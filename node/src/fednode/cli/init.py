"""`fednode init`: a commented config file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption


def init(
    coordinator: Annotated[str, typer.Option(help="Address of the federation's coordinator.")],
    chain_id: Annotated[int, typer.Option(help="Chain id of the network it is on.")],
    rpc: Annotated[str, typer.Option(help="URL of an Ethereum node.")],
    train: Annotated[Path, typer.Option(help="This site's training data, JSONL or CSV.")] = Path("train.jsonl"),
    store: Annotated[str, typer.Option(help="Own store: dir:folder, or kubo:http://127.0.0.1:5001.")] = "dir:store",
    keystore: Annotated[Path, typer.Option(help="Encrypted key; `fednode account new` makes it.")] = Path("key.json"),
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write a commented config file. Nothing is sent and no key is made."""
    from fedprotocol.config import ConfigError

    from fednode.config import TEMPLATE, load

    if config.exists():
        raise ConfigError(f"{config} exists and is not overwritten: choose another with --config, or move it away")
    text = TEMPLATE.format(
        rpc=rpc, chain_id=chain_id, coordinator=coordinator, store=store, keystore=keystore, train=train
    )
    config.parent.mkdir(parents=True, exist_ok=True)
    draft = config.with_name(config.name + ".partial")
    draft.write_text(text, encoding="utf-8")
    try:
        load(draft)
        draft.replace(config)
    finally:
        draft.unlink(missing_ok=True)
    typer.echo(f"wrote {config}. Next: `fednode account new`, then `fednode doctor`")
