"""`fednode export`: a global model as files for other programs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from fedprotocol.program.terminal import say

from fednode.cli.common import (
    DEFAULT_CONFIG,
    ConfigOption,
    RoundOption,
    global_of,
    open_to_read,
    units_of,
    warn_of_code,
)

if TYPE_CHECKING:
    from fednode.global_model.provenance import Provenance, Score
    from fednode.session import Session


class Dtype(StrEnum):
    """In which type weights are written."""

    fp32 = "fp32"
    bf16 = "bf16"
    fp16 = "fp16"
    q8_0 = "q8_0"


MergedOption = Annotated[
    bool,
    typer.Option("--merged", help="Write the whole model, with the adapter merged into the base model's weights."),
]
GgufOption = Annotated[
    bool, typer.Option("--gguf", help="Write it for llama.cpp and Ollama: a GGUF file and a Modelfile.")
]
DtypeOption = Annotated[
    Dtype | None,
    typer.Option(
        help="The type of the merged weights; q8_0 is for --gguf alone. Default: the base model's own.",
        show_default=False,
    ),
]


def export(
    out: Annotated[Path, typer.Option("--out", help="Folder to write to; it must be new.")],
    merged: MergedOption = False,
    gguf: GgufOption = False,
    dtype: DtypeOption = None,
    number: RoundOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write the adapter as a folder that `PeftModel.from_pretrained` loads, or in another form.

    With --merged, the whole model as a folder that transformers loads. With --gguf, the adapter or the whole model as a
    GGUF file.
    """
    with open_to_read(config) as session:
        warn_of_code(session)
        found = write_model(session, number, out, merged, gguf, dtype).round
    what = f"model of round {found}, merged," if merged else f"adapter of round {found}"
    say(f"wrote the {what} to {out}")


def write_model(
    session: Session,
    number: int | None,
    out: Path,
    merged: bool = False,
    gguf: bool = False,
    dtype: Dtype | None = None,
    licence: str | None = None,
    with_score: bool = False,
) -> Provenance:
    """Write a global in one of the forms; where it comes from. `with_score`: put this site's score into the card.

    Raises ExportError, and the errors of base models.
    """
    from fedprotocol.errors import FedError

    if dtype is not None and not merged:
        raise FedError(
            "--dtype is for --merged: an adapter by itself is written in float32, exactly as it is on the chain"
        )
    if dtype is Dtype.q8_0 and not gguf:
        raise FedError("--dtype q8_0 is for --merged --gguf; a folder of safetensors is written in fp32, bf16 or fp16")
    found, root = global_of(session, number)
    origin = _provenance(session, found, root, licence, with_score)
    units = units_of(session, root)
    if not merged and not gguf:
        from fednode.global_model.export import export_adapter

        export_adapter(session.spec, units, origin, out)
        return origin

    from fednode.global_model.loaded import base_folder
    from fednode.progress_bar import progress

    base = base_folder(session)
    if not merged:
        from fednode.global_model.gguf_adapter import export_gguf_adapter

        export_gguf_adapter(session.spec, units, origin, base, out)
        return origin
    with progress("checking the base model and merging") as on_progress:
        if gguf:
            from fednode.global_model.gguf_model import export_gguf_model

            export_gguf_model(session.spec, units, origin, base, out, dtype, on_progress)
        else:
            from fednode.global_model.merged_folder import export_merged

            export_merged(session.spec, units, origin, base, out, dtype, on_progress)
    return origin


def _provenance(session: Session, number: int, root: bytes, licence: str | None, with_score: bool) -> Provenance:
    from fednode.global_model.provenance import Provenance

    coordinator = session.coordinator
    return Provenance(
        round=number,
        root=root,
        spec_digest=coordinator.config().spec_digest,
        chain_id=coordinator.chain_id,
        contract=coordinator.address,
        score=_score(session, number) if with_score else None,
        licence=licence,
    )


def _score(session: Session, number: int) -> Score:
    """How the global scored with this site's test data. Raises FedError if it was not scored, or may not be told."""
    from fedprotocol.errors import FedError

    from fednode.figure_files import scores
    from fednode.global_model.provenance import Score

    if session.config.privacy is not None:
        raise FedError(
            "this site trains with noise ([privacy]), and its exact scores would tell of its rows: leave --score out"
        )
    found = scores(session.config.metrics).get(number)
    if found is None:
        raise FedError(
            f"the node has not scored round {number}: set [data] test and let it run, or leave --score out; "
            "`fednode rounds` shows the scores"
        )
    return Score(found["loss"], found["accuracy"])
