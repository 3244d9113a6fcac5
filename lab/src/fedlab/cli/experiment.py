"""`fedlab experiment`: federated training beside everything else, from one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from fedprotocol.program import environment
from fedprotocol.program.terminal import say

if TYPE_CHECKING:
    from fedlab.experiment.run import Run
    from fedlab.experiment.settings import Device

Engine = Literal["processes", "ray"]
Wanted = Literal["auto", "cpu", "cuda"]


def chosen(device: Wanted) -> Device:
    """The device that computes. Raises DeviceMissing."""
    import torch
    from fednode.base_model import DeviceMissing

    if device == "cuda" and not torch.cuda.is_available():
        raise DeviceMissing(
            "--device is cuda, but torch finds no CUDA device; leave it out to compute on the processor"
        )
    return "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"


def _engine(engine: Engine, processes: int, threads: int, gpus: float | None, device: Device) -> Run:
    if engine == "ray":
        from fedlab.experiment.ray_crew import run_on_ray

        share = gpus if gpus is not None else float(device == "cuda")
        return lambda shared, cells, told: run_on_ray(shared, cells, processes, threads, share, told)
    from fedlab.experiment.workers import run_all

    return lambda shared, cells, told: run_all(shared, cells, processes, threads, told)


def experiment(
    file: Annotated[Path, typer.Argument(help="The experiment file (TOML), which docs/experiments.md describes.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results. Default: all_losses/experiments/<its name>.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Run only this task, or this task/row. Repeat the option to name several.")
    ] = None,
    device: Annotated[Wanted, typer.Option(help="Device that computes; auto takes a GPU if torch finds one.")] = "auto",
    processes: Annotated[
        int, typer.Option(min=1, help="Number of cells that run at the same time. Each takes about 2 GB of memory.")
    ] = 2,
    threads: Annotated[
        int,
        typer.Option(
            min=1,
            help="Number of CPU threads of each process. Choose processes times "
            "threads no larger than the number of cores.",
        ),
    ] = 1,
    engine: Annotated[
        Engine,
        typer.Option(
            help="Choose what trains. With processes, each process of this machine trains a whole cell. With ray, the "
            "members of a federation train side by side, on this machine or on the cluster that RAY_ADDRESS names."
        ),
    ] = "processes",
    gpus: Annotated[
        float | None,
        typer.Option(
            min=0.0, help="With ray: the number of GPUs of each process. With 0.25, four share one. Default: 1 on cuda."
        ),
    ] = None,
    commit: Annotated[
        bool, typer.Option("--commit", help="Commit each result to git as soon as it is written.")
    ] = False,
    plan_only: Annotated[bool, typer.Option("--plan", help="List the cells and run nothing.")] = False,
) -> None:
    """Run the cells of an experiment that have no result yet, and make its tables and plots.

    A cell is one task, one row (way to train) and one seed. Each result is written as soon as it is there, so the
    command can be stopped at any time and started again. Cells whose settings or data have changed are run again. Exits
    with 1 if a cell failed.
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
        run(planned, _engine(engine, processes, threads, gpus, planned.shared.device), commit, Console())
    finally:
        if planned.shared.folder.is_dir():
            for path in report(planned.shared.experiment, planned.shared.folder):
                say(f"wrote {path}")
