"""`fednode spec`: a new federation's document and its global 0."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from fedprotocol.terminal import say

from fednode.cli.common import JsonOption, print_json

if TYPE_CHECKING:
    from fednode.new_spec import NewFederation

app = typer.Typer(help="The federation's document: model, adapter, training, numbers.", no_args_is_help=True)

StoreOption = Annotated[
    str | None, typer.Option("--store", help="Also publish both there: dir:folder, or kubo:http://127.0.0.1:5001.")
]


@app.command("new")
def new(
    name: Annotated[str, typer.Option(help="The federation's name.")],
    base_model: Annotated[str, typer.Option(help="Hub id of the frozen base model, as nodes will name it.")],
    template: Annotated[str, typer.Option(help=r"Prompt template with {prompt}; \n is a new line.")],
    rounds: Annotated[int, typer.Option(help="Final rounds until the federation is complete.")],
    out: Annotated[Path, typer.Option(help="Folder for spec.json and genesis.car.")] = Path(),
    source: Annotated[str | None, typer.Option(help="Its local folder or .gguf file.")] = None,
    revision: Annotated[str | None, typer.Option(help="Revision on the hub. Default: today's, pinned.")] = None,
    store: StoreOption = None,
    rank: Annotated[int, typer.Option(help="Of the adapter.")] = 8,
    alpha: Annotated[int, typer.Option(help="LoRA's alpha.")] = 16,
    dropout: Annotated[float, typer.Option(help="LoRA's dropout.")] = 0.0,
    target_module: Annotated[list[str] | None, typer.Option(help="Repeat it. Default: q_proj, v_proj.")] = None,
    factors: Annotated[
        Literal["both", "b", "alternating"], typer.Option(help="Trained of A and B: b is FFA-LoRA, alternating RoLoRA.")
    ] = "both",
    quantization: Annotated[Literal["nf4", "bf16", "fp32"], typer.Option(help="Of the frozen weights.")] = "nf4",
    double_quant: Annotated[bool, typer.Option(help="Quantise NF4's scales too.")] = True,
    compute: Annotated[Literal["bf16", "fp32"], typer.Option(help="Arithmetic on NF4 weights.")] = "bf16",
    steps: Annotated[int, typer.Option(help="Optimiser steps a round: few, in many rounds, keep sites together.")] = 2,
    batch_size: Annotated[int, typer.Option(help="Rows a forward pass.")] = 8,
    gradient_accumulation: Annotated[int, typer.Option(help="Forward passes a step.")] = 1,
    sequence_length: Annotated[int, typer.Option(help="Longest row, in tokens.")] = 512,
    optimizer: Annotated[str, typer.Option(help="One of transformers' names.")] = "adamw_torch",
    learning_rate: Annotated[float, typer.Option(help="Of round 1.")] = 2e-4,
    schedule: Annotated[Literal["constant", "cosine"], typer.Option(help="Of the rate across rounds.")] = "cosine",
    final_learning_rate_ratio: Annotated[float, typer.Option(help="Where the cosine ends, of the first rate.")] = 0.1,
    weight_decay: Annotated[float, typer.Option(help="Of the optimiser.")] = 0.0,
    max_grad_norm: Annotated[float, typer.Option(help="Gradients are clipped to it.")] = 1.0,
    gradient_checkpointing: Annotated[bool, typer.Option(help="Less memory, more time.")] = False,
    proximal_mu: Annotated[float, typer.Option(help="FedProx: pull towards the global; 0 is FedAvg.")] = 0.0,
    class_: Annotated[
        list[str] | None, typer.Option("--class", help="An answer to score accuracy by; repeat it.")
    ] = None,
    max_norm: Annotated[
        float | None, typer.Option(help="Largest L2 norm of an update. Default: twice what honest training can reach.")
    ] = None,
    min_norm: Annotated[
        float | None, typer.Option(help="Smallest L2 norm. Default: a hundredth of a step at the lowest rate.")
    ] = None,
    max_shift: Annotated[
        int | None,
        typer.Option(help="Largest shift, which bounds every value. Default: twice what one can move."),
    ] = None,
    leaf_values: Annotated[int, typer.Option("--leaf-values", "-K", help="Values a leaf, a power of two.")] = 1024,
    bits: Annotated[int, typer.Option(help="Width of an update's values, 8 or 16.")] = 8,
    rule: Annotated[str, typer.Option(help="How updates become a global: fedavg.")] = "fedavg",
    server_lr: Annotated[float, typer.Option(help="Share of the mean update that is applied, up to 2.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of the adapter's first values.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Write spec.json and genesis.car, and print the two digests that the contract is deployed with."""
    from fedprotocol.spec import SERVER_LR_ONE, SpecError
    from pydantic import ValidationError

    from fednode.new_spec import Choices, make, save

    modules = tuple(target_module or ("q_proj", "v_proj"))
    values = {
        "name": name,
        "base_model": base_model,
        "revision": revision,
        "lora": {"r": rank, "alpha": alpha, "dropout": dropout, "target_modules": modules, "factors": factors},
        "quantization": {"kind": quantization, "double_quant": double_quant, "compute_dtype": compute},
        "prompt": {"template": template.replace("\\n", "\n")},
        "training": {
            "rounds": rounds,
            "steps": steps,
            "batch_size": batch_size,
            "gradient_accumulation": gradient_accumulation,
            "sequence_length": sequence_length,
            "optimizer": optimizer,
            "learning_rate": learning_rate,
            "schedule": schedule,
            "final_learning_rate_ratio": final_learning_rate_ratio,
            "weight_decay": weight_decay,
            "max_grad_norm": max_grad_norm,
            "gradient_checkpointing": gradient_checkpointing,
            "proximal_mu": proximal_mu,
        },
        "evaluation": {"classes": tuple(class_) if class_ else None},
        "bounds": {"max_shift": max_shift, "max_norm": max_norm, "min_norm": min_norm},
        "leaf_values": leaf_values,
        "mantissa_bits": bits,
        "rule": rule,
        "server_lr": round(server_lr * SERVER_LR_ONE),
        "seed": seed,
    }
    try:
        federation = make(Choices.model_validate(values), source)
    except ValidationError as error:
        wrong = [f"  {'.'.join(map(str, e['loc'])) or 'spec'}: {e['msg']}" for e in error.errors(include_url=False)]
        raise SpecError("no spec can be made of this:\n" + "\n".join(wrong)) from error
    save(federation, out)
    say(f"wrote {out / 'spec.json'} and {out / 'genesis.car'}", error=True)
    if store is not None:
        _publish(federation, store)
    _show(federation, as_json)


@app.command("publish")
def publish(
    folder: Annotated[Path, typer.Argument(help="The folder with spec.json and genesis.car.")],
    store: Annotated[str, typer.Option(help="dir:folder, or kubo:http://127.0.0.1:5001.")],
    as_json: JsonOption = False,
) -> None:
    """Put an existing spec and its global 0 into a store, so that nodes find them."""
    from fednode.new_spec import load

    federation = load(folder)
    _publish(federation, store)
    _show(federation, as_json)


@app.command("show")
def show(
    folder: Annotated[Path, typer.Argument(help="The folder with spec.json and genesis.car.")] = Path(),
    as_json: JsonOption = False,
) -> None:
    """Check a spec with its global 0, and print their digests."""
    from fednode.new_spec import load

    _show(load(folder), as_json)


def _publish(federation: NewFederation, url: str) -> None:
    import tempfile

    from fedprotocol.store.open import open_store

    from fednode.new_spec import publish as put

    if url.startswith("dir:"):
        url = f"dir:{Path(url.removeprefix('dir:')).expanduser().resolve()}"
    with tempfile.TemporaryDirectory() as cache:
        put(federation, open_store(url, Path(cache)))
    say(f"published in {url}", error=True)


def _show(federation: NewFederation, as_json: bool) -> None:
    from fedprotocol.numbers import UNIT
    from fedprotocol.tree import cid, raw_cid

    spec, layout = federation.spec, federation.spec.layout
    digest, genesis = federation.digest, federation.genesis.root
    if as_json:
        print_json(
            {
                "spec_digest": "0x" + digest.hex(),
                "spec_cid": raw_cid(digest),
                "genesis_root": "0x" + genesis.hex(),
                "genesis_cid": cid(genesis),
                "value_count": layout.value_count,
                "leaf_count": layout.leaf_count,
                "bounds": spec.bounds.model_dump(),
            }
        )
        return
    say(f"{spec.name}: {layout.value_count} values in {layout.leaf_count} leaves of {layout.leaf_values}")
    say(f"spec digest   0x{digest.hex()}  {raw_cid(digest)}")
    say(f"genesis root  0x{genesis.hex()}  {cid(genesis)}")
    bounds = spec.bounds
    largest = (1 << (layout.mantissa_bits - 1 + bounds.max_shift)) * UNIT
    say(
        f"an update     L2 norm {bounds.min_norm:.4g} to {bounds.max_norm:.4g}, "
        f"values up to {largest:.4g} (shift {bounds.max_shift})"
    )
