"""`fednode data`: is the data fit for training, and how do other programs' files become fit?"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
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
    with_labels,
)
from fednode.cli.data_show import show

app = typer.Typer(help="Check the site's data, show it as the model sees it, or convert it.", no_args_is_help=True)


@app.command("check")
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Files to check, or data sets (hf:…). Default: those that the config names."),
    ] = None,
    spec: SpecOption = None,
    prompt: PromptOption = None,
    completion: CompletionOption = None,
    label: LabelOption = None,
    encoding: EncodingOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Describe the site's data, and name everything that must be corrected. Exits with 1 if there is something.

    Files are .jsonl, .json, .csv, .tsv, .xlsx or .parquet; text files may be packed by gzip or zstd. A data set that
    the `datasets` library reads is named hf:org/name:split, or hf:./folder:split. A row has a prompt and a completion.
    It may have messages instead: a list with role and content, the last one the assistant's, which is learned. Rows
    with instruction, input and output, or with conversations (ShareGPT), are read too. A row may have a domain.

    With the spec, from the federation or a file, answers that are none of its classes are errors. If the base model
    is here too, so are answers that are longer than the spec's sequences, and one row is shown as the model sees it.
    """
    from fednode.data import check_data
    from fednode.progress_bar import progress
    from fednode.site_data import data_files, kept_commits

    known = site(config, not files, spec, columns_named(prompt, completion, encoding), label or ())
    chosen = [data_named(file) for file in files or ()]
    if not chosen and known.config is not None:
        chosen = data_files(known.config)
        say(*kept_commits(known.config))
    reports = []
    for one in chosen:
        with progress(f"reading {one.name}") as told:
            reports.append(check_data(one, known.encoder, known.spec, known.columns, told))
        say(*reports[-1].lines())
    sample = next((report.sample for report in reports if report.sample), ())
    if sample:
        say(
            "the first row as the model sees it; between >>> and <<< is what it learns:",
            *(f"  {line}" for line in sample),
        )
    if known.why_not:
        say(known.why_not)
    if not all(report.ok for report in reports):
        raise typer.Exit(1)


app.command("show")(show)


@app.command("convert")
def convert(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="File or data set (hf:…) to read, of any kind that `check` reads.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="New .jsonl file to write, which only you may read.")],
    encoding: EncodingOption = None,
    prompt: PromptOption = None,
    completion: CompletionOption = None,
    domain: Annotated[str | None, typer.Option(help="Name of the column that holds the domains.")] = None,
    label: LabelOption = None,
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Leave out the rows that cannot be used, instead of giving up.")
    ] = False,
) -> None:
    """Write the rows of a file as JSONL with prompt, completion and domain. Nothing else of the file is kept.

    If a row cannot be used, nothing is written and the exit status is 1, unless --leave-out is given.
    """
    from fednode.data.columns import COMPLETION, DOMAIN, PROMPT
    from fednode.data.convert import convert as to_jsonl
    from fednode.progress_bar import ProgressBar

    named = columns_named(prompt or PROMPT, completion or COMPLETION, encoding, domain or DOMAIN)
    columns, rows = with_labels(named, label or ()), data_named(source)
    with ProgressBar() as bar:
        progress = partial(bar.show, f"reading {rows.name}")
        written, problems = to_jsonl(rows, out, columns, leave_out, progress, say)
    say(*problems)
    if written is None:
        ways = "; --leave-out leaves out single rows, not the rest of a file" if leave_out else ", or use --leave-out"
        say(f"nothing was written: correct the file{ways}", error=True)
        raise typer.Exit(1)
    say(f"wrote {out}: {written} row{'' if written == 1 else 's'}. Next: `fednode data check {out}`")
