"""`fednode data`: is the data fit for training?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption

app = typer.Typer(help="The site's data.", no_args_is_help=True)


@app.command("check")
def check(
    files: Annotated[
        list[Path] | None, typer.Argument(help="JSONL or CSV files. Default: those the config names.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Say what the data holds, and what is wrong at which row. Exits with 1 if a row cannot be used."""
    from fednode.config import load
    from fednode.data import check_data
    from fednode.site_data import data_files

    if not files:
        files = data_files(load(config))
    reports = [check_data(path) for path in files]
    for report in reports:
        typer.echo("\n".join(report.lines()))
    if not all(report.ok for report in reports):
        raise typer.Exit(1)
