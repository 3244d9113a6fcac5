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

    A content may be a list of text parts; an answer of weight 0 is not to be learned, and its row is refused.

    If the config's chain and store are at hand, completions that begin with none of the spec's classes are counted; if
    the base model is too, rows too long for the spec, and those with control tokens in their text, which stay text.
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
    """With the reason if there is none."""
    from fedprotocol.errors import FedError

    from fednode.use.loaded import load_encoder

    try:
        return load_encoder(session), ""
    except FedError as error:
        return None, str(error)
