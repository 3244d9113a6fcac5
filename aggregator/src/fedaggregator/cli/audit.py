"""`fedaggregator audit` and `fednode audit`: one command with the config of either program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from fedprotocol.program.slow_work import told_if_slow
from fedprotocol.program.terminal import say, say_json, warn

if TYPE_CHECKING:
    from fedprotocol.config import ConnectionConfig

RoundArgument = Annotated[int, typer.Argument(metavar="N", min=1, help="The number of the round, which must be final.")]
OutOption = Annotated[Path, typer.Option("--out", help="Folder to write to; it must be new or empty.")]


def audit_round(config: ConnectionConfig, number: int, out: Path, as_json: bool) -> None:
    """Write the bundle of a round and say whether its global is right; raises typer.Exit(1) if it is not.

    Raises:
        AuditError, StoreError, ChainError, SpecError: see `fedaggregator.audit` and `fedaggregator.compute.spec`.
    """
    from fedprotocol.chain.read.coordinator import Coordinator
    from fedprotocol.chain.read.trust import warnings
    from fedprotocol.peers.find import open_shared_store
    from fedprotocol.tree import cid

    from fedaggregator.audit import write_bundle
    from fedaggregator.compute.spec import spec_of

    chain = config.chain
    coordinator = Coordinator.connect(chain.rpc, chain.coordinator, chain.chain_id)
    for warning in warnings(coordinator, chain, config.home):
        warn(warning)
    store = open_shared_store(config, lambda: coordinator)
    with told_if_slow(f"fetching and recomputing round {number}"):
        result = write_bundle(coordinator, store, spec_of(coordinator, store), number, out)
    if as_json:
        document = {
            "round": result.round,
            "right": result.right,
            "global_root": "0x" + result.global_root.hex(),
            "recomputed_root": "0x" + result.recomputed_root.hex(),
            "absent": list(result.absent),
            "out": str(out),
        }
        say_json(document)
    elif result.right:
        say(f"round {number} is right: the bundle in {out} recomputes to {cid(result.global_root)}")
    else:
        say(
            f"round {number} is WRONG: the chain has {cid(result.global_root)}, the accepted updates give "
            f"{cid(result.recomputed_root)}; the bundle in {out} proves it",
            error=True,
        )
    if not result.right:
        raise typer.Exit(1)
