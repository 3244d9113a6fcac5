"""`fednode push`: a global model to the Hugging Face Hub."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from fedprotocol.program.terminal import say

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, RoundOption, open_to_read, warn_of_code
from fednode.cli.export import DtypeOption, GgufOption, MergedOption, write_model


def push(
    repository: Annotated[
        str, typer.Argument(metavar="OWNER/NAME", help="The repository; it is made if there is none.")
    ],
    merged: MergedOption = False,
    gguf: GgufOption = False,
    dtype: DtypeOption = None,
    number: RoundOption = None,
    licence: Annotated[
        str | None,
        typer.Option(
            "--license", help="Licence that the model card names, as the hub calls it: apache-2.0, mit, other."
        ),
    ] = None,
    score: Annotated[
        bool,
        typer.Option(
            "--score",
            help="Tell in the card how the model scored on this site's own test data. A policy must allow it, with "
            "hub:OWNER/NAME among the trackers.",
        ),
    ] = False,
    private: Annotated[
        bool, typer.Option("--private", help="Only the owner may read the repository; one that is public is refused.")
    ] = False,
    token_file: Annotated[
        Path | None,
        typer.Option(
            help="File whose first line is the hub's token. Default: HF_TOKEN, or what `hf auth login` stored."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be sent, and ask the hub nothing; no token is needed.")
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Put the model on the Hugging Face Hub, or the hub that HF_ENDPOINT names, in one commit.

    What is sent is what `fednode export` writes with the same options: by default the adapter, with its model card. It
    waits in a folder under TMPDIR meanwhile.
    """
    from fedprotocol.program.slow_work import told_if_slow
    from fedprotocol.quantities import size

    from fednode.global_model.push import Repository, check_name, files_of, token_from
    from fednode.site_policy import practice_of
    from fednode.tracking.permission import allow_and_note_score

    with open_to_read(config) as session, tempfile.TemporaryDirectory(prefix="fednode-push-") as scratch:
        check_name(repository)
        target = None if dry_run else Repository(repository, token_from(token_file))
        if target is not None:
            target.check_token()
        warn_of_code(session)
        folder = Path(scratch) / "model"
        origin = write_model(session, number, folder, merged, gguf, dtype, licence, score)
        name = session.spec.name
        total = size(sum(count for _, count in files_of(folder)))
        if target is None:
            say(f"would be sent to {repository}, {total} in all:")
            say(*(f"  {file}  {size(count)}" for file, count in files_of(folder)))
            say("", *(folder / "README.md").read_text(encoding="utf-8").splitlines())
            return
        if score:
            practice = practice_of(session.config, session.coordinator.config(), session.address)
            allow_and_note_score(session.config, practice, f"hub:{repository}", origin.round)
        with told_if_slow(f"sending {total} to {repository}"):
            address = target.push(folder, f"{name}, round {origin.round}", private)
    say(f"put round {origin.round} on {address}")
