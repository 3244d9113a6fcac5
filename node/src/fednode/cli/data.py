"""`fednode data`: is the data fit for training?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from fedprotocol.program.terminal import say

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, open_session

if TYPE_CHECKING:
    from fednode.data.encode import Encoder
    from fednode.session import Session

app = typer.Typer(help="Check the site's data.", no_args_is_help=True)


@app.command("check")
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Files to check, as JSONL, CSV or Parquet. Default: the files that the config names."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Describe the site's data, and name every row that cannot be used. Exits with 1 if there is one.

    Files are .jsonl, .csv or .parquet. A row has a prompt and a completion. In JSONL and Parquet it may have messages
    instead: a list with role and content, the last one the assistant's, which is learned. A row may have a domain.

    A content may be a list of text parts. A last answer of weight 0 is not to be learned, so its row is refused.

    If the chain and the store can be reached, completions that begin with none of the spec's classes are counted. If
    the base model is here too, so are rows that are too long for the spec, and rows whose text holds control tokens.
    """
    from fednode.data import check_data
    from fednode.site_data import classes_at_hand, data_files

    encoder, classes, why_not = None, None, f"there is no config file {config}"
    if config.exists() or not files:
        with open_session(config) as session:
            files = files or data_files(session.config)
            encoder, why_not = _encoder(session)
            classes = classes_at_hand(session)
    reports = [check_data(path, encoder, classes) for path in files]
    for report in reports:
        say(*report.lines())
    if encoder is None:
        say(f"not checked: rows longer than the spec's sequence length, and control tokens in them ({why_not})")
    if not all(report.ok for report in reports):
        raise typer.Exit(1)


def _encoder(session: Session) -> tuple[Encoder | None, str]:
    """The encoder, or the reason why there is none."""
    from fedprotocol.errors import FedError

    from fednode.use.loaded import load_encoder

    try:
        return load_encoder(session), ""
    except FedError as error:
        return None, str(error)
