"""What the commands of `fednode data` have in common: their options, and what these and the config say of the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fednode.cli.common import open_session

if TYPE_CHECKING:
    from fedprotocol.spec import Spec

    from fednode.config import NodeConfig
    from fednode.data import Columns
    from fednode.data.encode import Encoder
    from fednode.data_source import Portion

SpecOption = Annotated[
    Path | None,
    typer.Option(
        "--spec", help="The federation's spec.json to check against. Default: that of the config's federation."
    ),
]
PromptOption = Annotated[
    str | None,
    typer.Option(help="Name of the column that holds the prompts, or the path to them, such as input.question."),
]
CompletionOption = Annotated[
    str | None,
    typer.Option(help="Name of the column that holds the completions, or the path to them, such as answers.text.0."),
]
LabelOption = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        help="Completion that a value of that column stands for, such as 0=no. Repeat the option for each value.",
    ),
]
EncodingOption = Annotated[
    str | None,
    typer.Option(help="Encoding of text that is not UTF-8, such as cp1252 (Windows), mac_roman or utf-16-le."),
]


@dataclass(frozen=True)
class Site:
    """What is known of the site: `config` None: no config is needed, and there is none. Without `encoder`, `why_not`
    says what cannot be told, and why."""

    config: NodeConfig | None
    columns: Columns
    spec: Spec | None
    encoder: Encoder | None
    why_not: str


def site(config: Path, is_needed: bool, spec: Path | None, options: Columns, labels: Sequence[str]) -> Site:
    """From the config, if there is one or it `is_needed`, and from what the options name. Raises FedError."""
    from fednode.site_data import columns_of, spec_if_known

    known, found = None, None
    if config.exists() or is_needed:
        with open_session(config) as session:
            known = session.config
            if spec is None:
                found = spec_if_known(session)
    if spec is not None:
        found = read_spec(spec)
    encoder, why_not = _encoder(known, found)
    columns = with_labels(_over(columns_of(known, found) if known is not None else None, options, found), labels)
    return Site(known, columns, found, encoder, why_not)


def columns_named(
    prompt: str | None, completion: str | None, encoding: str | None, domain: str | None = None
) -> Columns:
    """What options say; an empty name where they say nothing. Raises DataError for an unknown encoding."""
    from fednode.data import Columns, DataError
    from fednode.encodings import unknown

    if encoding is not None and (wrong := unknown(encoding)):
        raise DataError(f"--encoding: {wrong}")
    return Columns(prompt or "", completion or "", domain or "", encoding=encoding)


def with_labels(columns: Columns, labels: Sequence[str]) -> Columns:
    """Raises DataError for a label that is not VALUE=TEXT."""
    from fednode.data import DataError

    for given in labels:
        value, equals, text = given.partition("=")
        if not equals or not text:
            raise DataError(f"--label {given}: give the value and what it stands for, such as --label 0=no")
        columns = replace(columns, labels={**columns.labels, value.strip(): text})
    return columns


def data_named(named: Path | str) -> Portion:
    """All rows of what an argument names, a file or `hf:…`. Raises DataError."""
    from pydantic import ValidationError

    from fednode.data import DataError
    from fednode.data_source import FORMS, Portion

    try:
        return Portion.model_validate({"source": str(named)})
    except ValidationError:
        raise DataError(f"{named} names no data set: {FORMS}") from None


def _over(base: Columns | None, options: Columns, spec: Spec | None) -> Columns:
    from fednode.data import Columns

    base = base or Columns()
    return Columns(
        options.prompt or base.prompt,
        options.completion or base.completion,
        options.domain or base.domain,
        base.labels,
        options.encoding or base.encoding,
        None if spec is None else spec.prompt.turns,
    )


def read_spec(path: Path) -> Spec:
    """The spec in a file, or in a folder's spec.json. Raises SpecError."""
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
