"""`fednode spec`: a new federation's document and its global 0."""

from __future__ import annotations

import math
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Literal

import typer
from fedaggregator.cli.shared_options import JsonOption
from fedprotocol.program.terminal import say

from fednode.cli.spec_made import (
    DeviceOption,
    SourceOption,
    StoreOption,
    ThreadsOption,
    TurnsOption,
    opened_store,
    prompt_of,
    publish_in,
    show_made,
    try_it,
)

app = typer.Typer(
    help="Make, try, show or publish the federation's document: model, adapter, training and number formats.",
    no_args_is_help=True,
)


@app.command("new")
def new(
    name: Annotated[str, typer.Option(help="Name of the federation.")],
    base_model: Annotated[str, typer.Option(help="Hub id of the frozen base model, by which all nodes will know it.")],
    template: Annotated[
        str,
        typer.Option(
            help=r"Prompt template. {prompt} stands for the row's prompt and \n for a new line. The word chat alone "
            "names the base model's own chat template, which is pinned by its sha-256: rows are conversations then."
        ),
    ],
    rounds: Annotated[int, typer.Option(help="Number of final rounds after which the federation is complete.")],
    out: Annotated[Path, typer.Option(help="Folder that spec.json and genesis.car are written to.")] = Path(),
    source: SourceOption = None,
    revision: Annotated[
        str | None,
        typer.Option(help="Revision of the base model on the hub. Default: today's commit, which is pinned."),
    ] = None,
    store: StoreOption = None,
    turns: TurnsOption = None,
    join: Annotated[
        str | None,
        typer.Option(
            help=r"White space between the template and the answer; \n for a new line. Default: a space. Sites need "
            "not think of it: spaces around prompts and answers are taken off."
        ),
    ] = None,
    rank: Annotated[int, typer.Option(help="Rank of the LoRA adapter.")] = 8,
    alpha: Annotated[int, typer.Option(help="Scaling of the LoRA adapter (alpha).")] = 32,
    dropout: Annotated[float, typer.Option(help="Dropout of the LoRA adapter during training, 0 to 1.")] = 0.0,
    target_module: Annotated[
        list[str] | None,
        typer.Option(help="Layer that gets an adapter. Repeat the option to name several. Default: q_proj and v_proj."),
    ] = None,
    factors: Annotated[
        Literal["both", "b", "alternating"],
        typer.Option(
            help="LoRA factors that are trained: both, only b (FFA-LoRA), or a and b in turn (alternating, RoLoRA)."
        ),
    ] = "both",
    quantization: Annotated[
        Literal["nf4", "bf16", "fp32"], typer.Option(help="Number format of the frozen base weights.")
    ] = "nf4",
    double_quant: Annotated[bool, typer.Option(help="Quantise the scales of NF4 weights as well.")] = True,
    compute: Annotated[
        Literal["bf16", "fp32"], typer.Option(help="Number format in which NF4 weights are computed with.")
    ] = "bf16",
    steps: Annotated[
        int,
        typer.Option(
            help="Number of optimiser steps in a round. Few steps in many rounds keep the sites together; more steps "
            "in fewer rounds cost less gas."
        ),
    ] = 1,
    batch_size: Annotated[int, typer.Option(help="Number of rows in a forward pass.")] = 8,
    gradient_accumulation: Annotated[int, typer.Option(help="Number of forward passes in an optimiser step.")] = 1,
    sequence_length: Annotated[
        int, typer.Option(help="Greatest length of a row, in tokens; longer rows are cut.")
    ] = 512,
    optimizer: Annotated[
        str,
        typer.Option(
            help="Optimiser, by its name in transformers, or adamw_factored: AdamW whose second moment is kept for "
            "each row and column, which lets sites drift apart less between two averages."
        ),
    ] = "adamw_factored",
    learning_rate: Annotated[
        float,
        typer.Option(
            help="Learning rate in round 1. 5e-3 was best for a model of 135 million parameters in 24 rounds, half "
            "of it for a few hundred rows of free text; models of billions of parameters usually want 1e-4 to 4e-4."
        ),
    ] = 2e-4,
    rate_ratio_b: Annotated[
        float,
        typer.Option(help="How many times larger the learning rate of LoRA's factor B is than that of A (LoRA+)."),
    ] = 1.0,
    schedule: Annotated[
        Literal["constant", "cosine"], typer.Option(help="How the learning rate changes from round to round.")
    ] = "cosine",
    final_learning_rate_ratio: Annotated[
        float, typer.Option(help="Last learning rate of the cosine schedule, as a share of the first.")
    ] = 0.1,
    weight_decay: Annotated[float, typer.Option(help="Weight decay of the optimiser.")] = 0.0,
    max_grad_norm: Annotated[float, typer.Option(help="Norm that gradients are clipped to.")] = 1.0,
    gradient_checkpointing: Annotated[
        bool, typer.Option(help="Compute activations twice instead of keeping them: less memory, more time.")
    ] = False,
    proximal_mu: Annotated[
        float, typer.Option(help="Strength of FedProx's pull towards where a round began; 0 is plain FedAvg.")
    ] = 0.0,
    look_ahead: Annotated[
        float | None,
        typer.Option(
            help="How far ahead of the global model sites begin a round, as a share of what the round before changed, "
            "at least 0 and below 1: Nesterov's momentum, which each site computes by itself. 0: they begin at the "
            "global model. Default: 0.5; 0 where it cannot be (alternating factors, a server's learning rate of 2) or "
            "where the rule has momentum of its own (fedavgm)."
        ),
    ] = None,
    class_: Annotated[
        list[str] | None,
        typer.Option(
            "--class",
            help="An answer that accuracy is scored by. Repeat the option to name several. Spaces around it are taken "
            "off, as they are off the answers in the data.",
        ),
    ] = None,
    max_norm: Annotated[
        float | None, typer.Option(help="Largest L2 norm of an update. Default: twice what honest training can reach.")
    ] = None,
    min_norm: Annotated[
        float | None,
        typer.Option(
            help="Smallest L2 norm of an update. Default: a hundredth of one step at the lowest learning rate."
        ),
    ] = None,
    max_shift: Annotated[
        int | None,
        typer.Option(
            help="Largest shift of an update, which limits each of its values. "
            "Default: twice what honest training can move a value."
        ),
    ] = None,
    leaf_values: Annotated[
        int | None,
        typer.Option(
            "--leaf-values",
            "-K",
            help="Number of values in a leaf, a power of two. Default: 1,024. For adapters of more than two million "
            "values it is up to 8,192, so that a proposal has few digests, unless the rule allows fewer sites then.",
        ),
    ] = None,
    private: Annotated[
        bool,
        typer.Option(
            "--private",
            help="Mask every update, so that the other sites, aggregators and the chain learn no more than the sum of "
            "all of them. The rule is then masked-mean, and each value has 32 bits. How large a value can be follows "
            "from what honest training can reach, as --max-shift does otherwise, and its steps are as fine as that "
            "allows. The deployment needs a list of members, 3 to 64 sites, and all of them must finish a round.",
        ),
    ] = False,
    bits: Annotated[
        int | None, typer.Option(help="Bits for each value of an update, 8 or 16. Default: 8, or 32 with --private.")
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(
            help="Rule that makes the next global model of the updates. fedavg: their mean. fedavgm: the mean, with "
            "momentum from earlier rounds. trimmed-mean, median: of each value the middle ones, which withstands a "
            "quarter, or nearly half, of the sites sending anything. norm-bounded: the mean, in which no site's "
            "update counts as longer than most are. masked-mean: that of --private. Default: fedavg."
        ),
    ] = None,
    min_noise: Annotated[
        float | None,
        typer.Option(
            help="Least noise that each site must train with (differential privacy), in units of the largest gradient "
            "of one row, such as 1.0. Nodes refuse less, but nobody can prove that a site adds it. Default: none."
        ),
    ] = None,
    server_lr: Annotated[
        float, typer.Option(help="Share of the mean update that is added to the global model, above 0 and at most 2.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="Random seed of the adapter's first values.")] = 0,
    device: DeviceOption = "cpu",
    threads: ThreadsOption = None,
    no_try: Annotated[
        bool,
        typer.Option(
            "--no-try",
            help="Do not try the spec. It is then unknown whether the model can be loaded and trained as the options "
            "say, whether its rows are longer than the model was made for, whether an update fits the bounds and "
            "whether an answer can be scored; `fednode spec try` finds out later. Everything else is checked all the "
            "same.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write spec.json and genesis.car, and print the two digests that the contract is deployed with.

    Before anything is written the spec is tried, because a deployment makes it final. As on a node, the base model is
    loaded, trained for one step on made-up rows of the full sequence length, its update encoded and an answer scored.
    """
    from fedprotocol.program.slow_work import told_if_slow
    from fedprotocol.spec import SERVER_LR_ONE

    from fednode.cli.spec_options import options_named
    from fednode.sponsor.new_spec import Choices, make, require_free, save
    from fednode.sponsor.private_choice import rule_and_bits
    from fednode.sponsor.usual_look_ahead import usual_look_ahead

    modules = tuple(target_module or ("q_proj", "v_proj"))
    rule, bits = rule_and_bits(private, rule, bits)
    values = {
        "name": name,
        "base_model": base_model,
        "revision": revision,
        "lora": {"r": rank, "alpha": alpha, "dropout": dropout, "target_modules": modules, "factors": factors},
        "quantization": {"kind": quantization, "double_quant": double_quant, "compute_dtype": compute},
        "prompt": prompt_of(template, join, turns),
        "training": {
            "rounds": rounds,
            "steps": steps,
            "batch_size": batch_size,
            "gradient_accumulation": gradient_accumulation,
            "sequence_length": sequence_length,
            "optimizer": optimizer,
            "learning_rate": learning_rate,
            "rate_ratio_b": rate_ratio_b,
            "schedule": schedule,
            "final_learning_rate_ratio": final_learning_rate_ratio,
            "weight_decay": weight_decay,
            "max_grad_norm": max_grad_norm,
            "gradient_checkpointing": gradient_checkpointing,
            "proximal_mu": proximal_mu,
            "look_ahead": usual_look_ahead(factors, rule, server_lr) if look_ahead is None else look_ahead,
        },
        "evaluation": {"classes": tuple(name.strip() for name in class_) if class_ else None},
        "bounds": {"max_shift": max_shift, "max_norm": max_norm, "min_norm": min_norm},
        "leaf_values": leaf_values,
        "mantissa_bits": bits,
        "rule": rule,
        "server_lr": round(server_lr * SERVER_LR_ONE) if math.isfinite(server_lr) else 0,
        "seed": seed,
        **({} if min_noise is None else {"privacy": {"noise": min_noise}}),
    }
    require_free(out)
    with options_named():
        chosen = Choices.model_validate(values)
    with nullcontext() if store is None else opened_store(store) as opened:
        with options_named(), told_if_slow("loading libraries and reading the base model"):
            federation = make(chosen, source)
        if not no_try:
            try_it(federation, source, device, threads)
        save(federation, out)
        say(f"wrote {out / 'spec.json'} and {out / 'genesis.car'}", error=True)
        if opened is not None:
            publish_in(federation, *opened)
    show_made(federation, as_json)


@app.command("try")
def try_(
    folder: Annotated[Path, typer.Argument(help="Folder with spec.json and genesis.car.")] = Path(),
    source: SourceOption = None,
    device: DeviceOption = "cpu",
    threads: ThreadsOption = None,
) -> None:
    """Check a spec and its global 0, then do once what a node does with them.

    The base model is loaded and trained for one step on made-up rows, the update is encoded, and an answer is scored.
    """
    from fednode.sponsor.new_spec import load

    federation = load(folder)
    try_it(federation, source, device, threads)
    say(f"{federation.spec.name}: a node can serve this spec")


@app.command("publish")
def publish(
    folder: Annotated[Path, typer.Argument(help="Folder with spec.json and genesis.car.")],
    store: Annotated[str, typer.Option(help="Store to publish in: dir:FOLDER or kubo:http://127.0.0.1:5001.")],
    as_json: JsonOption = False,
) -> None:
    """Publish an existing spec and its global 0 in a store, where nodes find them."""
    from fednode.sponsor.new_spec import load

    federation = load(folder)
    with opened_store(store) as opened:
        publish_in(federation, *opened)
    show_made(federation, as_json)


@app.command("show")
def show(
    folder: Annotated[Path, typer.Argument(help="Folder with spec.json and genesis.car.")] = Path(),
    as_json: JsonOption = False,
) -> None:
    """Check a spec and its global 0, and print their digests."""
    from fednode.sponsor.new_spec import load

    show_made(load(folder), as_json)
