"""`fednode data`: is the data fit for training, and how do other programs' files become fit?"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from fedprotocol.program.terminal import say

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, open_session

if TYPE_CHECKING:
    from fedprotocol.spec import Spec

    from fednode.config import NodeConfig
    from fednode.data import Columns
    from fednode.data.encode import Encoder

app = typer.Typer(help="Check the site's data, or convert it.", no_args_is_help=True)

PromptOption = Annotated[str | None, typer.Option(help="Name of the column that holds the prompts.")]
CompletionOption = Annotated[str | None, typer.Option(help="Name of the column that holds the completions.")]
LabelOption = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        help="Completion that a value of that column stands for, such as 0=no. Repeat the option for each value.",
    ),
]


@app.command("check")
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Files to check. Default: the files that the config names."),
    ] = None,
    spec: Annotated[
        Path | None,
        typer.Option(help="The federation's spec.json to check against. Default: that of the config's federation."),
    ] = None,
    prompt: PromptOption = None,
    completion: CompletionOption = None,
    label: LabelOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Describe the site's data, and name everything that must be corrected. Exits with 1 if there is something.

    Files are .jsonl, .json, .csv, .tsv, .xlsx or .parquet; text files may be packed by gzip. A row has a prompt and a
    completion. It may have messages instead: a list with role and content, the last one the assistant's, which is
    learned. Rows with instruction, input and output, or with conversations (ShareGPT), are read too. A row may have a
    domain.

    With the spec, from the federation or a file, answers that are none of its classes are errors. If the base model
    is here too, so are answers that are longer than the spec's sequences, and one row is shown as the model sees it.
    """
    from fednode.data import check_data
    from fednode.progress_bar import progress
    from fednode.site_data import columns_of, data_files

    found = None
    known: NodeConfig | None = None
    if config.exists() or not files:
        with open_session(config) as session:
            known = session.config
            if spec is None:
                from fednode.site_data import spec_if_known

                found = spec_if_known(session)
    if spec is not None:
        found = _read_spec(spec)
    encoder, why_not = _encoder(known, found)
    columns = _columns(columns_of(known) if known is not None else None, prompt, completion, label)
    chosen = files or (data_files(known) if known is not None else [])
    reports = []
    for path in chosen:
        with progress(f"reading {path.name}") as told:
            reports.append(check_data(path, encoder, found, columns, told))
        say(*reports[-1].lines())
    sample = next((report.sample for report in reports if report.sample), ())
    if sample:
        say(
            "the first row as the model sees it; between >>> and <<< is what it learns:",
            *(f"  {line}" for line in sample),
        )
    if why_not:
        say(why_not)
    if not all(report.ok for report in reports):
        raise typer.Exit(1)


@app.command("convert")
def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="File to read, of any kind that `check` reads.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="New .jsonl file to write, which only you may read.")],
    encoding: Annotated[
        str | None,
        typer.Option(help="Encoding of the file if it is not UTF-8, such as cp1252 (Windows), mac_roman or utf-16-le."),
    ] = None,
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
    from fednode.data.convert import convert as to_jsonl
    from fednode.progress_bar import ProgressBar

    columns = _columns(None, prompt, completion, label, domain)
    with ProgressBar() as bar:
        progress = partial(bar.show, f"reading {source.name}")
        written, problems = to_jsonl(source, out, columns, encoding, leave_out, progress)
    say(*problems)
    if written is None:
        ways = "; --leave-out leaves out single rows, not the rest of a file" if leave_out else ", or use --leave-out"
        say(f"nothing was written: correct the file{ways}", error=True)
        raise typer.Exit(1)
    say(f"wrote {out}: {written} row{'' if written == 1 else 's'}. Next: `fednode data check {out}`")


def _columns(
    base: Columns | None,
    prompt: str | None,
    completion: str | None,
    labels: list[str] | None,
    domain: str | None = None,
) -> Columns:
    """What the options say, where they say something. Raises DataError for a label that is not VALUE=TEXT."""
    from dataclasses import replace

    from fednode.data import Columns, DataError

    columns = base or Columns()
    columns = Columns(
        prompt or columns.prompt, completion or columns.completion, domain or columns.domain, columns.labels
    )
    for given in labels or ():
        value, equals, text = given.partition("=")
        if not equals or not text:
            raise DataError(f"--label {given}: give the value and what it stands for, such as --label 0=no")
        columns = replace(columns, labels={**columns.labels, value.strip(): text})
    return columns


def _read_spec(path: Path) -> Spec:
    from fedprotocol.files.text import without_bom
    from fedprotocol.spec import MAX_SPEC_BYTES, SpecError, load_spec

    file = path / "spec.json" if path.is_dir() else path
    try:
        with file.open("rb") as opened:
            return load_spec(without_bom(opened.read(MAX_SPEC_BYTES + 1)))
    except OSError as error:
        raise SpecError(f"{file} cannot be read ({error.strerror}): --spec names the federation's spec.json") from error


def _encoder(config: NodeConfig | None, spec: Spec | None) -> tuple[Encoder | None, str]:
    """With what could not be checked if there is none, and why."""
    from fedprotocol.errors import FedError

    if spec is None:
        return None, (
            "not checked, because the federation's spec is not at hand: whether answers are its classes, whether rows "
            "fit its sequence length (--spec FILE names it)"
        )
    from fedprotocol.program.slow_work import told_if_slow

    from fednode.config import ModelConfig
    from fednode.site_model import load_encoder

    try:
        with told_if_slow("loading the base model's tokenizer"):
            return load_encoder(config.model if config is not None else ModelConfig(), spec), ""
    except FedError as error:
        return None, f"not checked: whether rows fit the spec's sequence length ({error})"
