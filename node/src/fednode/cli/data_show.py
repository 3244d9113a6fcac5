"""`fednode data show`: what the model will really see of the site's rows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from fedprotocol.printable import printable
from fedprotocol.program.terminal import say

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption
from fednode.cli.data_options import (
    CompletionOption,
    EncodingOption,
    LabelOption,
    PromptOption,
    SpecOption,
    columns_named,
    data_named,
    site,
)

if TYPE_CHECKING:
    from fednode.cli.data_options import Site
    from fednode.config import NodeConfig
    from fednode.data import Problem, Row
    from fednode.data.shown import Shown
    from fednode.data_source import Portion

_MARGIN = "  "
_LEARNED = "black on green"


def show(
    count: Annotated[int, typer.Argument(metavar="[N]", min=1, help="How many rows to show.")] = 3,
    file: Annotated[
        Path | None, typer.Option(help="Data to show, a file or hf:… . Default: the config's training data.")
    ] = None,
    test: Annotated[bool, typer.Option("--test", help="Show the rows that globals are scored on.")] = False,
    spec: SpecOption = None,
    prompt: PromptOption = None,
    completion: CompletionOption = None,
    label: LabelOption = None,
    encoding: EncodingOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Show the first rows as the model sees them: the template around them, read back from their tokens, how many
    tokens they are, and what of them is learned.

    What is learned is highlighted, or stands between >>> and <<< where there are no colours. It needs the federation's
    spec and the base model's tokenizer. A row that cannot be used is named in its place.
    """
    from fedprotocol.errors import FedError

    from fednode.data.read import unit_of

    if file is not None and test:
        raise FedError("give --file or --test, not both: --test is for the config's files")
    known = site(config, file is None, spec, columns_named(prompt, completion, encoding), label or ())
    if known.encoder is None:
        raise FedError(f"rows cannot be shown as the model sees them without spec and tokenizer; {known.why_not}")
    chosen = data_named(file) if file is not None else _of_config(known.config, test)
    unit = unit_of(chosen, known.columns)
    has_colours = _say_title(chosen)
    for found in islice(_rows(chosen, known), count):
        _say_row(found, unit, known, has_colours)
    if chosen.share:
        say(_sides(chosen, known))


def _of_config(config: NodeConfig | None, test: bool) -> Portion:
    from fedprotocol.errors import FedError

    from fednode.site_data import scored_rows, train_rows

    assert config is not None  # noqa: S101 - it is needed where no file is named
    chosen = scored_rows(config) if test else train_rows(config)
    if chosen is None:
        raise FedError("the config names no rows to score: set [data] test or split")
    return chosen


def _say_title(chosen: Portion) -> bool:
    """Returns whether what is learned is shown by a colour."""
    from rich.console import Console

    console = Console()
    has_colours = console.is_terminal and not console.no_color and console.color_system is not None
    what = {None: "", "train": ", rows that are trained on", "test": ", rows that are held out for scoring"}
    how = "highlighted is" if has_colours else "between >>> and <<< is"
    say(f"{chosen}{what[chosen.side]}; {how} what the model learns:")
    return has_colours


def _rows(chosen: Portion, known: Site) -> Iterator[tuple[int, Row] | Problem]:
    """The rows of the chosen side, and what is wrong with others."""
    from fednode.data import Problem
    from fednode.data.held_out import is_on
    from fednode.data.read import rows_in

    for found in rows_in(chosen, known.columns, remark=say):
        if isinstance(found, Problem) or is_on(chosen.side, found[1], chosen.share):
            yield found


def _say_row(found: tuple[int, Row] | Problem, unit: str, known: Site, has_colours: bool) -> None:
    from fednode.data import Problem
    from fednode.data.plain_text import EncodingError
    from fednode.data.shown import shown

    if isinstance(found, Problem):
        say(str(found))
        return
    assert known.encoder is not None  # noqa: S101 - else there is nothing to show
    number, row = found
    try:
        seen = shown(row, known.encoder)
    except EncodingError as error:
        say(f"{unit} {number}: {error}")
        return
    say(f"{unit} {number}: {seen.counts()}")
    if has_colours:
        _say_coloured(seen)
    else:
        say(*(_MARGIN + line for line in seen.marked()))


def _say_coloured(seen: Shown) -> None:
    from rich.console import Console
    from rich.text import Text

    text = Text(_MARGIN)
    for part, style in ((seen.prompt, ""), (seen.learned, _LEARNED)):
        for index, line in enumerate(part.split("\n")):
            text.append("\n" + _MARGIN if index else "")
            text.append(printable(line), style)
    Console(highlight=False).print(text, soft_wrap=True)


def _sides(chosen: Portion, known: Site) -> str:
    """How many rows are on each side, for which all are read."""
    from fednode.data import Problem
    from fednode.data.held_out import is_held_out
    from fednode.data.read import rows_in
    from fednode.data.report import sides
    from fednode.progress_bar import progress

    held_out = rows = 0
    with progress(f"counting the rows of {chosen.name}") as told:
        for found in rows_in(chosen, known.columns, told):
            if not isinstance(found, Problem):
                rows += 1
                held_out += is_held_out(found[1], chosen.share)
    return sides(rows - held_out, held_out, chosen.share)
