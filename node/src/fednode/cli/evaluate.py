"""`fednode evaluate`: score a global adapter on test data."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from fedaggregator.cli.shared_options import JsonOption
from fedaggregator.cli.table import Column, Table, show
from fedprotocol.program.slow_work import told_if_slow
from fedprotocol.program.terminal import say

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, RoundOption, global_of, open_to_read, print_json, units_of


def evaluate(
    data: Annotated[
        Path | None,
        typer.Argument(
            help="Data to score on, of any kind that `fednode data check` reads. Default: those that the config names."
        ),
    ] = None,
    number: RoundOption = None,
    tasks: Annotated[
        str | None,
        typer.Option(
            help="Standard benchmarks in place of data, such as arc_easy,hellaswag: tasks of lm-evaluation-harness. "
            "Their data come from the Hugging Face Hub. Needs `pip install 'fednode\\[benchmarks]'`."
        ),
    ] = None,
    task_folder: Annotated[
        Path | None, typer.Option(help="Folder with task files (YAML) of your own, in the harness's form.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many items of each benchmark.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Score a global model on data: loss, accuracy if the spec names classes, and both for each domain.

    With --tasks, on standard benchmarks, whose figures compare with those that others publish.
    """
    from fedprotocol.errors import FedError

    if tasks is not None:
        if data is not None:
            raise FedError("score on data, or on --tasks: leave one of them out")
        _benchmarks(config, number, tasks, task_folder, limit, as_json)
        return
    if task_folder is not None or limit is not None:
        raise FedError("--task-folder and --limit belong to --tasks")

    from fednode.cli.data_options import data_named
    from fednode.data import check_data, load_data
    from fednode.global_model.loaded import load_model
    from fednode.progress_bar import progress
    from fednode.site_data import columns_of, scored_rows

    with open_to_read(config) as session:
        chosen = data_named(data) if data is not None else scored_rows(session.config)
        if chosen is None:
            raise FedError("name a data file, or set [data] test or split in the config")
        columns = columns_of(session.config, session.spec)
        found, root = global_of(session, number)
        with told_if_slow("reading the rows"):
            rows = load_data(chosen, columns)
            report = check_data(chosen, spec=session.spec, columns=columns)
        if report.answers is not None:
            say(*report.answers.errors(report.unit), error=True)
        units = units_of(session, root)
        model = load_model(session)
        model.set_global(units)
        with progress("evaluating") as on_progress:
            score = model.evaluate(session.spec, rows, on_progress)
    if as_json:
        print_json({"round": found, "root": "0x" + root.hex(), **asdict(score)})
        return
    say(f"round {found}: {_score_line(score.loss, score.accuracy, score.items)}")
    for domain, part in sorted(score.by_domain.items()):
        say(f"  {domain}: {_score_line(part.loss, part.accuracy, part.items)}")


def _benchmarks(
    config: Path, number: int | None, tasks: str, folder: Path | None, limit: int | None, as_json: bool
) -> None:
    from fednode.evaluation.benchmarks import run_benchmarks
    from fednode.global_model.loaded import load_model

    names = [name.strip() for name in tasks.split(",") if name.strip()]
    with open_to_read(config) as session:
        found, root = global_of(session, number)
        units = units_of(session, root)
        model = load_model(session)
        model.set_global(units)
        is_chat = session.spec.prompt.is_chat
        measured = run_benchmarks(
            model.with_adapter, model.encoder.tokenizer, names, folder, limit=limit, is_chat=is_chat
        )
    if as_json:
        print_json({"round": found, "root": "0x" + root.hex(), "benchmarks": [asdict(one) for one in measured]})
        return
    columns = [
        Column("task"),
        Column("metric"),
        *(Column(name, right=True) for name in ("value", "±", "shots", "items")),
    ]
    rows = [
        (
            one.task,
            one.metric if one.reading == "none" else f"{one.metric} ({one.reading})",
            f"{one.value:.4f}",
            "–" if one.error is None else f"{one.error:.4f}",
            str(one.shots),
            str(one.items),
        )
        for one in measured
    ]
    show(Table(columns, rows, f"Round {found}"))


def _score_line(loss: float, accuracy: float | None, items: int) -> str:
    from fednode.evaluation.in_words import loss_and_accuracy

    return f"{loss_and_accuracy(loss, accuracy)}, {items} items"
