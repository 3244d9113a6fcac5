"""What the commands that make a spec do with it: try it, publish it, show its digests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from fedprotocol.program import environment
from fedprotocol.program.terminal import say

from fednode.cli.common import print_json

if TYPE_CHECKING:
    from fedprotocol.store.base import Store
    from fedprotocol.tree import TreeShape

    from fednode.sponsor.new_spec import NewFederation

SourceOption = Annotated[str | None, typer.Option(help="Local folder or .gguf file of the base model.")]
DeviceOption = Annotated[Literal["cpu", "cuda"], typer.Option(help="Device that the trial runs on.")]
ThreadsOption = Annotated[
    int | None, typer.Option(min=1, help="Number of CPU threads for the trial. Default: all cores.")
]
TurnsOption = Annotated[
    Literal["last", "every"] | None,
    typer.Option(
        help="With the chat template: whether the last answer of a conversation is learned, or every one, each as a "
        "row of its own behind what stands before it. Default: last."
    ),
]
StoreOption = Annotated[
    str | None,
    typer.Option("--store", help="Store to publish both files in: dir:FOLDER or kubo:http://127.0.0.1:5001."),
]


def prompt_of(template: str, join: str | None, turns: str | None) -> dict[str, str]:
    """A spec's prompt, of what options say."""
    from fednode.sponsor.usual_prompt import usual_prompt

    options = {"template": template, "join": join, "turns": turns}
    given = {name: value.replace("\\n", "\n") for name, value in options.items() if value is not None}
    return usual_prompt(template) | given


def try_it(federation: NewFederation, source: str | None, device: str, threads: int | None) -> None:
    """Print what the trial found. Raises SpecError."""
    from fedprotocol.program.slow_work import told_if_slow
    from fedprotocol.quantities import duration

    from fednode.cli.spec_options import in_options, options_named
    from fednode.sponsor.trial import try_out

    cores = threads or os.cpu_count() or 1
    environment.set_threads(cores)
    with options_named():
        trial = try_out(federation, source, device, cores, told_if_slow)
    for remark in trial.remarks:
        say(f"warning: {in_options(remark)}", error=True)
    seconds = trial.step_seconds * federation.spec.training.steps
    long = f"about {duration(seconds)}" if seconds >= 1 else "less than a second"
    say(f"tried: training for a round would take {long} here ({device})", error=True)


@contextmanager
def opened_store(url: str) -> Iterator[tuple[Store, str]]:
    """A store that answers, and its URL. Raises StoreError."""
    import tempfile

    from fedprotocol.store.open import open_store

    if url.startswith("dir:"):
        url = f"dir:{Path(url.removeprefix('dir:')).expanduser().resolve()}"
    with tempfile.TemporaryDirectory() as cache:
        store = open_store(url, Path(cache))
        store.check()
        yield store, url


def publish_in(federation: NewFederation, store: Store, url: str) -> None:
    from fednode.sponsor.new_spec import publish as put

    put(federation, store)
    say(f"published in {url}", error=True)


def show_made(federation: NewFederation, as_json: bool) -> None:
    from fedaggregator.rules import rule_named
    from fedprotocol.numbers import UNIT
    from fedprotocol.quantities import size as in_words
    from fedprotocol.tree import cid, raw_cid

    from fednode.sponsor.leaf_size import DIGEST_GAS, pages_of

    spec, layout = federation.spec, federation.spec.layout
    digest, genesis = federation.digest, federation.genesis.root
    sites = rule_named(spec.rule).max_clients(layout.leaf_values, layout.mantissa_bits)
    if as_json:
        print_json(
            {
                "spec_digest": "0x" + digest.hex(),
                "spec_cid": raw_cid(digest),
                "genesis_root": "0x" + genesis.hex(),
                "genesis_cid": cid(genesis),
                "value_count": layout.value_count,
                "leaf_count": layout.leaf_count,
                "rule": spec.rule,
                "max_clients": sites,
                "bounds": spec.bounds.model_dump(),
                "masking": None if spec.masking is None else spec.masking.model_dump(),
            }
        )
        return
    say(f"{spec.name}: {layout.value_count} values in {layout.leaf_count} leaves of {layout.leaf_values}")
    update, whole = layout.delta_shape, layout.global_shape
    say(f"sizes         {in_words(_bytes(update))} an update, {in_words(_bytes(whole))} a global")
    say(
        f"on the chain  {whole.leaf_count} digests a proposal (about {whole.leaf_count * DIGEST_GAS:,} gas; "
        f"transactions: {pages_of(whole.leaf_count)}), {in_words(update.leaf_bytes)} of each update a proof"
    )
    say(f"spec digest   0x{digest.hex()}  {raw_cid(digest)}")
    say(f"genesis root  0x{genesis.hex()}  {cid(genesis)}")
    say(f"rule          {spec.rule}, for {sites} sites at most")
    bounds = spec.bounds
    masking = spec.masking
    how = f"shift {bounds.max_shift}" if masking is None else f"{masking.bound} steps of {UNIT * 2**masking.scale:.3g}"
    say(
        f"an update     L2 norm {bounds.min_norm:.4g} to {bounds.max_norm:.4g}, "
        f"values up to {spec.largest_value:.4g} ({how})"
    )
    if masking is not None:
        say("private       nobody sees more than the sum of all updates; the contract needs a gate, 3 to 64 sites")


def _bytes(shape: TreeShape) -> int:
    return shape.leaf_count * shape.leaf_bytes
