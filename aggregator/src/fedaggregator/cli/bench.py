"""`fedaggregator bench`: how fast this machine aggregates."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from fedprotocol.program.terminal import say, say_json

from fedaggregator.cli.shared_options import JsonOption
from fedaggregator.cli.table import Column, Table, show

if TYPE_CHECKING:
    from fedaggregator.bench.flower import Flower
    from fedaggregator.bench.measure import Aggregated, Size

VALUES, LEAF_VALUES = (460_800, 40_000_000), (1024, 8192)
COLUMNS = (
    Column("values", right=True),
    Column("leaf", right=True),
    Column("verify", right=True),
    Column("merge", right=True),
    Column("write", right=True),
    Column("together", right=True),
    Column("MB/s", rank=2, right=True),
    Column("to disk", rank=3, right=True),
    Column("memory", rank=1, right=True),
    Column("Flower", rank=1, right=True),
    Column("from bytes", rank=2, right=True),
)


def bench(
    values: Annotated[
        list[int] | None,
        typer.Option(min=64, help="Number of values of an update. Repeat the option for several sizes."),
    ] = None,
    leaf_values: Annotated[
        list[int] | None,
        typer.Option(min=32, help="Number of values in a leaf, a multiple of 32. Repeat the option for several."),
    ] = None,
    clients: Annotated[int, typer.Option(min=1, max=256, help="Number of updates.")] = 10,
    bits: Annotated[int, typer.Option(min=8, max=16, help="Bits of a value: 8 or 16.")] = 8,
    repeats: Annotated[int, typer.Option(min=1, help="How often everything is measured. The medians are shown.")] = 5,
    folder: Annotated[
        Path | None,
        typer.Option(help="Folder for the files, which are deleted afterwards. Default: the system's temporary one."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how fast this machine aggregates.

    Updates are made and written as files. Then they are verified, merged by FedAvg, and the result is written, as in
    every round. Beside it stands what Flower takes for as many values if it is installed (pip install flwr): its
    aggregation alone, which works in memory and verifies nothing, and together with reading the bytes that its server
    receives. Seconds are medians; what a program needs to start is not counted.
    """
    from fedprotocol.program.slow_work import told_if_slow

    from fedaggregator.bench import flower
    from fedaggregator.bench.measure import Size, aggregate

    sizes = [Size(count, clients, leaf, bits) for count in values or VALUES for leaf in leaf_values or LEAF_VALUES]
    measured: list[tuple[Size, Aggregated]] = []
    beside: dict[int, Flower] = {}
    for size in sizes:
        what = f"{clients} updates of {size.values:,} values in leaves of {size.leaf_values:,}"
        with told_if_slow(what) as work, tempfile.TemporaryDirectory(prefix="bench-", dir=folder) as own:
            measured.append((size, aggregate(size, Path(own), repeats, work.at)))
    for count in dict.fromkeys(size.values for size in sizes) if flower.is_there() else ():
        with told_if_slow(f"Flower, {count:,} values") as work:
            beside[count] = flower.measured(count, clients, repeats, work.at)
    if as_json:
        flowers = {count: asdict(seconds) for count, seconds in beside.items()}
        say_json([{**asdict(size), **asdict(found), "flower": flowers.get(size.values)} for size, found in measured])
        return
    show(Table(COLUMNS, [_row(size, found, beside.get(size.values)) for size, found in measured]))
    if not beside:
        say("", "Flower is not installed, and not measured.")


def _row(size: Size, found: Aggregated, flower: Flower | None) -> list[str]:
    from fedprotocol.quantities import size as in_words

    steps = [found.seconds[step] for step in ("verify", "merge", "write")]
    return [
        f"{size.values:,}",
        f"{size.leaf_values:,}",
        *(f"{seconds:.3f}" for seconds in (*steps, sum(steps))),
        f"{size.fetched_bytes / sum(steps) / 1e6:,.0f}",
        f"{found.seconds['to disk']:.3f}",
        "" if found.peak_bytes is None else in_words(found.peak_bytes),
        "" if flower is None else f"{flower.aggregate:.3f}",
        "" if flower is None or flower.together is None else f"{flower.together:.3f}",
    ]
