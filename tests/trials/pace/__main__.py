"""`make pace`: how fast a node trains beside a bare PyTorch loop with the same batches, and how long it takes to start.

The loop has its batches ready on the device. The node draws its rows, encodes them, makes batches of them, and takes
the steps through transformers' Trainer. Both take turns, so that a machine's mood falls on both.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from support.evm import ROOT

PAGE = ROOT / "docs/performance.md"
BEGIN, END = "<!-- pace: written by `make pace` -->", "<!-- end of pace -->"
SEED, ROUND = 1, 1
IMPORTS = "import fednode.training.trainer, peft, fednode.base_model.load"


@dataclass(frozen=True)
class Pace:
    """Seconds of each round's steps, in turns, and those of a start: importing the libraries, and loading the model."""

    bare: Sequence[float]
    node: Sequence[float]
    importing: float
    loading: float


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="pace", description=__doc__)
    parser.add_argument("--steps", type=int, default=6, help="steps of a round")
    parser.add_argument("--batch", type=int, default=8, help="rows of a step")
    parser.add_argument("--turns", type=int, default=5, help="rounds of each")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--kinds", nargs="+", default=["bf16", "nf4"], choices=["nf4", "bf16", "fp32"])
    parser.add_argument("--write", action="store_true", help=f"write the table in {PAGE.relative_to(ROOT)}")
    given = parser.parse_args(arguments)
    found = {kind: measured(kind, given) for kind in given.kinds}
    table = as_markdown(found, given)
    print("\n" + table)
    if given.write:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{table}{END}{rest.partition(END)[2]}")
    return 0


def measured(kind: str, given: argparse.Namespace) -> Pace:
    importing = _seconds_of_imports(given.threads)
    from fednode.training import AdapterModel

    spec, units, data = _prepared(kind, given)
    began = time.perf_counter()
    model = AdapterModel.load(spec, None, given.device, given.threads)
    loading = time.perf_counter() - began
    batches = _batches(model, data, given)
    bare, node = [], []
    for turn in range(given.turns + 1):  # the first warms up
        model.set_global(units)
        took = _bare(model, batches, spec)
        model.set_global(units)
        began = clock(given.device)
        model.train(spec, data, ROUND, SEED)
        own = clock(given.device) - began
        print(f"{kind} {turn}: bare {took:.3f} s, node {own:.3f} s", flush=True)
        if turn:
            bare.append(took)
            node.append(own)
    return Pace(bare, node, importing, loading)


def _prepared(kind: str, given: argparse.Namespace) -> tuple[Any, Any, Any]:
    """Spec, adapter and rows: the demo's base model, and the rows of its first site."""
    import tempfile

    from fedlab.demo.sites import deal
    from fedlab.experiment.models import Base
    from fednode.data import load_data
    from support.tiny_spec import LORA, tiny_spec

    base = Base.of("demo", ROOT / ".cache")
    lora = LORA.model_copy(update={"target_modules": ("q_proj", "v_proj")})
    training = {"steps": given.steps, "batch_size": given.batch, "sequence_length": 64, "learning_rate": 4e-3}
    spec, adapter = tiny_spec(Path(base.source), kind, lora=lora, **training)
    with tempfile.TemporaryDirectory() as folder:
        train = Path(folder) / "train.jsonl"
        train.write_text("\n".join(deal(4)[0].train))
        return spec, adapter.units, load_data(train)


def _batches(model: Any, data: Any, given: argparse.Namespace) -> list[list[dict[str, Any]]]:
    """The packs of each batch that the node makes in the round that is measured."""
    from accelerate.utils import send_to_device
    from fednode.data.encoded_rows import Drawn
    from fednode.training.row_order import RowOrder
    from fednode.training.schedule import round_seed
    from torch.utils.data import BatchSampler

    rows, order = Drawn(data, model.encoder), RowOrder(len(data), round_seed(SEED, ROUND))
    made = []
    for drawn in islice(BatchSampler(order, given.batch, drop_last=False), given.steps):
        packs = model._batches.for_training([rows[index] for index in drawn])["packs"]
        made.append([send_to_device(one, given.device) for one in packs])
    return made


def _bare(model: Any, batches: list[list[dict[str, Any]]], spec: Any) -> float:
    """Seconds of the steps, written as anybody would write them."""
    import torch
    from torch.nn import functional

    network, parameters = model._model, model._parameters
    network.train()
    began = clock(parameters[0].device.type)
    optimizer = torch.optim.AdamW(parameters, lr=spec.training.learning_rate, weight_decay=0.0)
    for packs in batches:
        answers = sum(pack["labels"].ne(-100).sum() for pack in packs)
        loss = torch.zeros((), device=parameters[0].device)
        for pack in packs:
            inputs = {name: value for name, value in pack.items() if name != "labels"}
            labels = pack["labels"][:, 1:]
            logits = network(**inputs).logits[:, -pack["labels"].shape[1] : -1].float()
            share = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum") / answers
            share.backward()
            loss += share.detach()
        torch.nn.utils.clip_grad_norm_(parameters, spec.training.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad()
        loss.item()
    return clock(parameters[0].device.type) - began


def clock(device: str) -> float:
    """Seconds of this process on a CPU, which neighbours do not lengthen as much; by the wall on a GPU."""
    return time.process_time() if device == "cpu" else time.perf_counter()


def _seconds_of_imports(threads: int) -> float:
    """In a process of their own, as a node has them."""
    code = (
        "from fedprotocol.program import environment; environment.settle(); "
        f"environment.set_threads({threads}); import time; began = time.perf_counter(); {IMPORTS}; "
        "print(time.perf_counter() - began)"
    )
    found = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    ]
    return statistics.median(found)


def as_markdown(found: dict[str, Pace], given: argparse.Namespace) -> str:
    from fedlab.experiment.machine import machine

    unit = " in seconds of the processor" if given.device == "cpu" else ""
    on = f"{given.threads} thread{'s' if given.threads > 1 else ''} on {given.device}"
    lines = [
        f"{given.steps} steps of {given.batch} rows by {on}, medians of {given.turns} turns{unit}; "
        f"{datetime.now(UTC):%Y-%m-%d}, {machine(given.device)}.",
        "",
        "| weights | bare loop | node | speed of the node | importing | loading the model |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for kind, pace in found.items():
        bare, node = statistics.median(pace.bare), statistics.median(pace.node)
        speed = statistics.median(b / n for b, n in zip(pace.bare, pace.node, strict=True))
        lines.append(
            f"| {kind} | {bare:.2f} s | {node:.2f} s | {speed:.3f} | {pace.importing:.1f} s | {pace.loading:.1f} s |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
