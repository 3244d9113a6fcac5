"""`fednode spec next`: the document of a federation that goes on where another one ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from fedaggregator.cli.shared_options import (
    ChainIdOption,
    CoordinatorOption,
    InvitationOption,
    JsonOption,
    PeerOption,
    RpcOption,
)
from fedprotocol.program.terminal import say

from fednode.cli.spec_made import (
    DeviceOption,
    SourceOption,
    StoreOption,
    ThreadsOption,
    TurnsOption,
    opened_store,
    publish_in,
    show_made,
    try_it,
)

if TYPE_CHECKING:
    from fedprotocol.chain.read.coordinator import Coordinator
    from fedprotocol.deployment.received import Connection
    from fedprotocol.store.base import Store


def next_(
    invitation: InvitationOption = None,
    coordinator: CoordinatorOption = None,
    chain_id: ChainIdOption = None,
    rpc: RpcOption = None,
    peer: PeerOption = None,
    number: Annotated[
        int | None,
        typer.Option("--round", min=1, help="Round whose global is gone on from. Default: the last final one."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder that spec.json and genesis.car are written to.")] = Path(),
    source: SourceOption = None,
    store: StoreOption = None,
    name: Annotated[str | None, typer.Option(help="Name of the new federation.")] = None,
    template: Annotated[str | None, typer.Option(help=r"Prompt template, with {prompt}; \n is a new line.")] = None,
    turns: TurnsOption = None,
    join: Annotated[
        str | None, typer.Option(help=r"White space between the template and the answer; \n is a new line.")
    ] = None,
    class_: Annotated[
        list[str] | None,
        typer.Option("--class", help="An answer that accuracy is scored by, in place of all the old ones."),
    ] = None,
    rounds: Annotated[int | None, typer.Option(help="Number of final rounds of the new federation.")] = None,
    steps: Annotated[int | None, typer.Option(help="Number of optimiser steps in a round.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Number of rows in a forward pass.")] = None,
    gradient_accumulation: Annotated[
        int | None, typer.Option(help="Number of forward passes in an optimiser step.")
    ] = None,
    sequence_length: Annotated[int | None, typer.Option(help="Greatest length of a row, in tokens.")] = None,
    optimizer: Annotated[
        str | None, typer.Option(help="Optimiser, by its name in transformers, or adamw_factored.")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Learning rate in round 1.")] = None,
    rate_ratio_b: Annotated[
        float | None, typer.Option(help="How many times larger the learning rate of factor B is than that of A.")
    ] = None,
    schedule: Annotated[
        Literal["constant", "cosine"] | None,
        typer.Option(help="How the learning rate changes from round to round; it begins anew."),
    ] = None,
    final_learning_rate_ratio: Annotated[
        float | None, typer.Option(help="Last learning rate of the cosine schedule, as a share of the first.")
    ] = None,
    weight_decay: Annotated[float | None, typer.Option(help="Weight decay of the optimiser.")] = None,
    max_grad_norm: Annotated[float | None, typer.Option(help="Norm that gradients are clipped to.")] = None,
    gradient_checkpointing: Annotated[
        bool | None, typer.Option(help="Compute activations twice instead of keeping them.")
    ] = None,
    proximal_mu: Annotated[float | None, typer.Option(help="Strength of FedProx's pull; 0 is plain FedAvg.")] = None,
    look_ahead: Annotated[
        float | None,
        typer.Option(
            help="How far ahead of the global model sites begin, as a share of what the round before changed."
        ),
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(
            help="Rule that makes the next global model of the updates, by its name in `fednode spec new`. With "
            "masked-mean updates are private from here on, as with `fednode spec new --private`."
        ),
    ] = None,
    factors: Annotated[
        Literal["both", "b", "alternating"] | None, typer.Option(help="LoRA factors that are trained.")
    ] = None,
    dropout: Annotated[float | None, typer.Option(help="Dropout of the LoRA adapter during training.")] = None,
    min_noise: Annotated[
        float | None, typer.Option(help="Least noise that each site must train with (differential privacy).")
    ] = None,
    max_norm: Annotated[float | None, typer.Option(help="Largest norm of an update (L2). Default: computed.")] = None,
    min_norm: Annotated[float | None, typer.Option(help="Smallest norm of an update (L2). Default: computed.")] = None,
    max_shift: Annotated[int | None, typer.Option(help="Largest shift of an update. Default: computed.")] = None,
    device: DeviceOption = "cpu",
    threads: ThreadsOption = None,
    no_try: Annotated[bool, typer.Option("--no-try", help="Do not try the spec, as with `fednode spec new`.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write the spec.json and genesis.car of a federation that starts from the last global of another one.

    The old federation is read from its chain and a store; its spec and its global must have the hashes that its
    contract has. Everything that no option changes stays as it was; members, phases and money are those of the new
    federation file. Base model, layers, rank, alpha and quantisation stay, because the adapter is the same.
    """
    from fedprotocol.deployment.received import connection
    from fedprotocol.program.slow_work import told_if_slow
    from fedprotocol.spec import Training
    from fedprotocol.tree import cid

    from fednode.cli.spec_options import options_named
    from fednode.sponsor.new_spec import require_free, save
    from fednode.sponsor.successor import final_global, successor

    given: dict[str, Any] = {
        key: value for key, value in locals().items() if key in Training.model_fields and value is not None
    }
    changes: dict[str, Any] = {"training": given} if given else {}
    parts: dict[str, dict[str, Any]] = {
        "lora": {"factors": factors, "dropout": dropout},
        "prompt": {
            "template": template.replace("\\n", "\n") if template is not None else None,
            "join": join.replace("\\n", "\n") if join is not None else None,
            "turns": turns,
        },
        "evaluation": {"classes": tuple(class_) if class_ else None},
        "privacy": {"noise": min_noise},
        "bounds": {"max_norm": max_norm, "min_norm": min_norm, "max_shift": max_shift},
    }
    for part, fields in parts.items():
        if changed := {field: value for field, value in fields.items() if value is not None}:
            changes[part] = changed
    changes |= {key: value for key, value in (("name", name), ("rule", rule)) if value is not None}
    where = connection(invitation, coordinator, chain_id, rpc or (), store, peer or ())
    require_free(out)
    with nullcontext() if store is None else opened_store(store) as opened:
        with _reading(where) as (old, content), told_if_slow("reading the old federation"):
            ended = final_global(old, content, number)
        with options_named(), told_if_slow("loading libraries and reading the base model"):
            federation = successor(ended, changes, source)
        if not no_try:
            try_it(federation, source, device, threads)
        save(federation, out)
        say(
            f"wrote {out / 'spec.json'} and {out / 'genesis.car'}, which go on from round {ended.round} of "
            f"“{ended.spec.name}” ({cid(ended.root)})",
            error=True,
        )
        if federation.spec.layout.parts > 1:
            say(f"what the rule {federation.spec.rule} keeps beside the weights begins at zero", error=True)
        if opened is not None:
            publish_in(federation, *opened)
    show_made(federation, as_json)


@contextmanager
def _reading(where: Connection) -> Iterator[tuple[Coordinator, Store]]:
    """The old federation, and everything it can be read from; copies are gone afterwards."""
    import tempfile

    from fedprotocol.chain.read.coordinator import Coordinator
    from fedprotocol.chain.read.trust import examine, foreign
    from fedprotocol.chains import DEVELOPMENT_CHAINS
    from fedprotocol.peers.find import PeerFinder
    from fedprotocol.store.open import open_store

    coordinator = Coordinator.connect(where.rpc, where.coordinator, where.chain_id)
    for part in foreign(examine(coordinator)):
        say(f"warning: {part}. What the old federation has come to rests on it", error=True)
    with tempfile.TemporaryDirectory() as folder:
        url = where.store if where.store.startswith("kubo:") else f"dir:{folder}/store"
        peers = _absolute(where.peers)
        is_local = where.chain_id in DEVELOPMENT_CHAINS
        yield coordinator, open_store(url, Path(folder, "cache"), peers, PeerFinder(lambda: coordinator), is_local)


def _absolute(peers: Sequence[str]) -> list[str]:
    """Folders from the current one on."""
    folders = {peer: peer.removeprefix("dir:") for peer in peers if peer.startswith("dir:")}
    return [f"dir:{Path(folders[peer]).expanduser().resolve()}" if peer in folders else peer for peer in peers]
