"""`fednode data`: is the data fit for training?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from fedprotocol.terminal import say

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, open_session

if TYPE_CHECKING:
    from fednode.data.encode import Encoder
    from fednode.session import Session

app = typer.Typer(help="The site's data.", no_args_is_help=True)


@app.command("check")
def check(
    files: Annotated[
        list[Path] | None, typer.Argument(help="JSONL, CSV or Parquet files. Default: those the config names.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Say what the data holds, and what is wrong at which row. Exits with 1 if a row cannot be used.

    Files are .jsonl, .csv or .parquet. A row has prompt and completion, or (but in CSV) messages: a list of role and
    content, the last one the assistant's, which is learned. It may have a domain.

    Rows too long for the spec are counted if the config's chain, store and base model are at hand.
    """
    from fednode.data import check_data
    from fednode.site_data import data_files

    encoder, why_not = None, f"there is no config file {config}"
    if config.exists() or not files:
        with open_session(config) as session:
            files = files or data_files(session.config)
            encoder, why_not = _encoder(session)
    reports = [check_data(path, encoder) for path in files]
    for report in reports:
        say(*report.lines())
    if encoder is None:
        say(f"not checked: rows longer than the spec's sequence length ({why_not})")
    if not all(report.ok for report in reports):
        raise typer.Exit(1)


def _encoder(session: Session) -> tuple[Encoder | None, str]:
    """With the reason if there is none."""
    from fedprotocol.errors import FedError

    from fednode.model import load_encoder

    try:
        return load_encoder(session), ""
    except FedError as error:
        return None, str(error)
