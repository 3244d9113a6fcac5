"""`fednode evaluate`: score a global adapter on test data."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from fedaggregator.cli.shared_options import JsonOption
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
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Score a global model on data: loss, accuracy if the spec names classes, and both for each domain."""
    from fedprotocol.errors import FedError

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


def _score_line(loss: float, accuracy: float | None, items: int) -> str:
    from fednode.evaluation.in_words import loss_and_accuracy

    return f"{loss_and_accuracy(loss, accuracy)}, {items} items"
