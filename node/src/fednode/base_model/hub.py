"""A model from the hub: exactly the files that are needed to load it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from glob import escape
from pathlib import Path
from typing import Any

from fedprotocol.program.outgoing import NetworkSetting

from fednode.base_model.errors import BaseModelMissing, BaseModelPartial
from fednode.base_model.foreign_errors import in_a_line
from fednode.base_model.hub_client import by_way_of_hub, trust_as_elsewhere
from fednode.base_model.load import INDEX, SINGLE, shards
from fednode.base_model.tokenizer import TOKENIZERS

log = logging.getLogger("fednode")

_CONFIG, _TOKENIZER_CONFIG = "config.json", "tokenizer_config.json"
_TOKENIZER_FILES = (
    *("tokenizer*", "*vocab*", "merges.txt", "special_tokens_map.json", "added_tokens.json", "tekken.json"),
    *("*.model", "*.spm", "*.tiktoken", "*.codes", "*.bpe", "normalizer.json", "emoji.json", "byte_maps.json"),
)
_NEVER = ("*/*", "*.py", "*.safetensors", "*.bin", "*.md")  # read as parts of a tokenizer


def from_hub(name: str, revision: str | None, fetch: bool) -> Path:
    """The folder of `name` in huggingface_hub's cache, completed from the hub.

    Without `fetch`, or if the hub cannot be reached, the files that are there already are used if none is missing.
    Raises BaseModelMissing, BaseModelPartial.
    """
    if fetch:
        try:
            trust_as_elsewhere()
            return _fetched(name, revision)
        except BaseModelMissing:
            raise
        except Exception as error:  # errors of any kind: about the connection, the files, the answers
            folder, why = _cached(name, revision), _why(name, revision, error)
            if folder is None or lacks(folder) is not None:
                raise BaseModelMissing(
                    f"base model {name} is no folder here, and cannot be fetched from the hub: {why}; give its folder "
                    "or GGUF file as [model] source"
                ) from error
            log.warning("%s is used as the hub's cache has it, which cannot be compared with the hub: %s", name, why)
            return folder
    folder = _cached(name, revision)
    if folder is None:
        raise BaseModelMissing(
            f"base model {name} is neither a folder here nor in the hub's cache; give its folder or GGUF file as "
            "[model] source"
        )
    if (missing := lacks(folder)) is not None:
        raise BaseModelPartial(
            f"base model {name}: only a part of it is in the hub's cache here, {missing} is missing; `fednode run` "
            "fetches the rest"
        )
    return folder


def lacks(folder: Path) -> str | None:
    """The first file that is missing in a model's folder, as far as this can be known without the hub. None if nothing
    is missing."""
    needed = [_CONFIG] if (folder / SINGLE).is_file() else [_CONFIG, INDEX]
    if (folder / "vocab.json").is_file() and not (folder / "tokenizer.json").is_file():
        needed.append("merges.txt")
    elif not any((folder / file).is_file() for file in TOKENIZERS) and not any(folder.glob("*.model")):
        needed.append("tokenizer.json")
    for file in needed:
        if not (folder / file).is_file():
            return SINGLE if file == INDEX else file
    if INDEX not in needed:
        return None
    return next((file for file in _shards(folder) if not (folder / file).is_file()), None)


def _fetched(name: str, revision: str | None) -> Path:
    from huggingface_hub import HfApi, snapshot_download

    info = HfApi().model_info(name, revision=revision)
    names = [file.rfilename for file in info.siblings or ()]
    if SINGLE not in names and INDEX not in names:
        pickles = ", only pickles, which are never read" if any(fnmatch(file, "*.bin") for file in names) else ""
        raise BaseModelMissing(
            f"base model {name}: the hub has no safetensors of it{pickles}; choose another base model"
        )

    def get(files: Iterable[str]) -> Path:
        return Path(snapshot_download(name, revision=info.sha, allow_patterns=[escape(file) for file in files]))

    folder = get([_CONFIG, *filter(_is_of_tokenizer, names), *([] if SINGLE in names else [INDEX])])
    named = set(_texts_in(folder / _TOKENIZER_CONFIG)).intersection(names)
    weights = [SINGLE] if SINGLE in names else _shards(folder)
    folder = get([*sorted(named), *weights])
    if revision != info.sha:  # so that the cache knows the name of the commit when the hub cannot be reached
        snapshot_download(name, revision=revision, allow_patterns=[])
    return folder


def _is_of_tokenizer(file: str) -> bool:
    return any(fnmatch(file, known) for known in _TOKENIZER_FILES) and not any(fnmatch(file, no) for no in _NEVER)


def _shards(folder: Path) -> list[str]:
    """Raises BaseModelMissing if the file is no index."""
    try:
        return shards((folder / INDEX).read_bytes())
    except (OSError, ValueError) as error:
        raise BaseModelMissing(f"{folder / INDEX} cannot be read ({in_a_line(error)}); remove it, try again") from error


def _texts_in(path: Path) -> Iterator[str]:
    """All texts in a JSON file, some of which are names of files. None if it cannot be read; loading will then report
    it."""
    try:
        waiting: list[Any] = [json.loads(path.read_bytes())]
    except (OSError, ValueError, RecursionError):
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _cached(name: str, revision: str | None) -> Path | None:
    """The folder in the cache that has the model, or a part of it."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, revision=revision, local_files_only=True, allow_patterns=[]))
    except Exception:  # no such folder, no such name, a cache that cannot be read
        return None


def _why(name: str, revision: str | None, error: Exception) -> str:
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, GatedRepoError):
        return "its authors give it to those who ask for it on its page, and log in here with `hf auth login`"
    if isinstance(error, RepositoryNotFoundError):
        return "it has none of that name that may be read without `hf auth login`"
    if isinstance(error, RevisionNotFoundError):
        return f"it has no revision {revision} of it"
    if isinstance(error, HFValidationError):
        return f"{name} is no name that a model there can have"
    if isinstance(error, NetworkSetting):
        return str(error)
    message = f"{type(error).__name__}: {in_a_line(error)}"
    if isinstance(error, OSError) and error.filename:  # an error of this machine, about its cache
        return f"{message}; set HF_HOME to a folder that can be written"
    return f"{message}{by_way_of_hub()}"
