"""Data sets of the hub: which commit is meant, and its files in a folder here."""

from __future__ import annotations

import json
from contextlib import suppress
from glob import escape
from pathlib import Path

from fedprotocol.files.private import private_folder
from fedprotocol.files.whole import PRIVATE, write_whole
from fedprotocol.foreign_errors import in_a_line, told_as
from fedprotocol.program.outgoing import NetworkSetting

from fednode.base_model.hub_client import by_way_of_hub, trust_as_elsewhere
from fednode.data.rows import DataError
from fednode.data_source import HfSplit

_KIND = "dataset"


def pinned(source: HfSplit, kept: Path | None = None) -> HfSplit:
    """The data set at one commit. Where it names none, the newest one of its revision is asked for once, and written
    into the file `kept`, by which it stays the same from then on. Raises DataError."""
    if source.is_pinned:
        return source
    known = {} if kept is None else _kept(kept)
    key = f"{source.hub}@{source.revision or 'main'}"
    if key not in known:
        known[key] = _newest(source)
        if kept is not None:
            with told_as(DataError, f"{kept}: cannot be written"):
                private_folder(kept.parent)
                write_whole(kept, json.dumps(known, indent=2) + "\n", PRIVATE)
    return source.at(known[key])


def folder_of(source: HfSplit) -> Path:
    """The folder with its files: its own, or one in the hub's cache, which is fetched unless it is whole already. Of
    the hub's files, those of other configs are left out where they lie in folders of their own. Raises DataError."""
    if source.folder is not None:
        if not source.folder.is_dir():
            raise DataError(f"{source}: there is no folder {source.folder}")
        return source.folder
    at = pinned(source)
    folder, whole = _in_cache(at)
    if whole.is_file() and folder.is_dir():
        return folder
    try:
        trust_as_elsewhere()
        folder = _fetched(at)
    except DataError:
        raise
    except Exception as error:  # about the connection, the files, the answers
        raise DataError(_cannot(source, error)) from error
    with suppress(OSError):  # without the mark, the hub is asked again
        whole.touch()
    return folder


def _kept(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    with told_as(DataError, f"{file}: cannot be read", "delete it, and the newest commits are taken"):
        return {str(key): str(commit) for key, commit in json.loads(file.read_bytes()).items()}


def _newest(source: HfSplit) -> str:
    from huggingface_hub import HfApi

    try:
        trust_as_elsewhere()
        return str(HfApi().dataset_info(source.hub or "", revision=source.revision).sha)
    except Exception as error:
        raise DataError(_cannot(source, error)) from error


def _fetched(source: HfSplit) -> Path:
    from huggingface_hub import HfApi, snapshot_download

    name = source.hub or ""
    files = [file.rfilename for file in HfApi().dataset_info(name, revision=source.revision).siblings or ()]
    own = f"{source.config}/"
    if source.config is not None and any(file.startswith(own) for file in files):
        files = [file for file in files if "/" not in file or file.startswith(own)]
    wanted = [escape(file) for file in files if not file.endswith(".py")]
    folder = Path(snapshot_download(name, repo_type=_KIND, revision=source.revision, allow_patterns=wanted))
    missing = [file for file in files if not file.endswith(".py") and not (folder / file).is_file()]
    if missing:  # without a connection it returns what a stopped download has left
        raise DataError(f"{source} cannot be fetched: {missing[0]} is missing; try again")
    return folder


def _in_cache(source: HfSplit) -> tuple[Path, Path]:
    """The folder in huggingface_hub's cache, and a file that says that all is in it: the folder alone may be what a
    stop left behind."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    cache = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=source.hub or "", repo_type=_KIND)
    return cache / "snapshots" / (source.revision or ""), cache / f"whole-{source.revision}-{source.config or 'all'}"


def _cannot(source: HfSplit, error: Exception) -> str:
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    then = "; or name a folder that has it, hf:./folder:split"
    if isinstance(error, GatedRepoError):
        why, then = "its authors give it to those who ask for it on its page, and log in here with `hf auth login`", ""
    elif isinstance(error, RepositoryNotFoundError):
        why = "the hub has no data set of that name that may be read without `hf auth login`"
    elif isinstance(error, RevisionNotFoundError):
        why, then = f"the hub has no revision {source.revision} of it", ""
    elif isinstance(error, HFValidationError):
        why = f"{source.hub} is no name that a data set there can have"
    elif isinstance(error, NetworkSetting):
        why = str(error)
    elif isinstance(error, OSError) and error.filename:
        why, then = f"{in_a_line(error)}; set HF_HOME to a folder that can be written", ""
    else:
        why = f"the hub cannot be reached: {type(error).__name__}: {in_a_line(error)}{by_way_of_hub()}"
    return f"{source} cannot be fetched: {why}{then}"
