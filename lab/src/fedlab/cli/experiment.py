"""`fedlab experiment`: federated training beside everything else, from one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from fedprotocol.program import environment
from fedprotocol.program.terminal import say

if TYPE_CHECKING:
    from fedlab.experiment.settings import Device

Wanted = Literal["auto", "cpu", "cuda"]


def chosen(device: Wanted) -> Device:
    """What it is computed on. Raises DeviceMissing."""
    import torch
    from fednode.base_model import DeviceMissing

    if device == "cuda" and not torch.cuda.is_available():
        raise DeviceMissing(
            "--device is cuda, but torch finds no CUDA device; leave it out to compute on the processor"
        )
    return "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"


def experiment(
    file: Annotated[Path, typer.Argument(help="The experiment file (TOML); docs/experiments.md describes it.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the results. Default: all_losses/experiments/ and the experiment's name."),
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="A task, or task/row; repeat it.")] = None,
    device: Annotated[Wanted, typer.Option(help="Where to compute; auto: on a GPU if torch finds one.")] = "auto",
    processes: Annotated[int, typer.Option(min=1, help="Cells that run side by side; about 2 GB each.")] = 2,
    threads: Annotated[int, typer.Option(min=1, help="Of each process; all together no more than cores.")] = 1,
    commit: Annotated[bool, typer.Option("--commit", help="Put each result into git as soon as it is there.")] = False,
    plan_only: Annotated[bool, typer.Option("--plan", help="List the cells, run nothing.")] = False,
) -> None:
    """Run the cells of an experiment that have no result yet, and make its tables and plots.

    A cell is one task, row (way to train) and seed. Each result is written the moment it is there: stop it whenever
    you like and start it again. Cells whose settings or data have changed are run anew. Exits with 1 if a cell failed.
    """
    environment.set_threads(threads)
    from rich.console import Console

    from fedlab.experiment.definition import load_experiment
    from fedlab.experiment.report import report
    from fedlab.experiment.run import plan, run

    folder = out or Path("all_losses/experiments") / load_experiment(file).name
    planned = plan(file, folder, chosen(device), only or ())
    if plan_only:
        for cell in planned.done:
            say(f"done  {cell}")
        for cell in planned.todo:
            say(f"to do {cell}  ({planned.cost(cell):.0f})")
        for task, why in planned.absent.items():
            say(f"no data for {task}: {why}")
        return
    try:
        run(planned, processes, threads, commit, Console())
    finally:
        if planned.shared.folder.is_dir():
            for path in report(planned.shared.experiment, planned.shared.folder):
                say(f"wrote {path}")
