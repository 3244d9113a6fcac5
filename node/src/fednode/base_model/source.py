"""Where the base model's folder comes from: a local folder, a GGUF file or a hub id."""

from __future__ import annotations

import os
import re
from pathlib import Path

from fednode.base_model.errors import BaseModelMissing
from fednode.base_model.gguf import converted

_HUB_FILES = ["*.safetensors", "*.json", "tokenizer.model", "*.jinja"]


def locate(source: str, revision: str | None = None, cache: Path | None = None, fetch: bool = True) -> Path:
    """The local folder (config, safetensors, tokenizer) of a folder, GGUF file or hub id.

    A GGUF file is converted once into `cache` (default ~/.cache/fednode/models); a hub id is fetched by
    huggingface_hub into its own cache, or, if not `fetch`, only looked for there. Raises BaseModelMissing.
    """
    path = Path(source).expanduser()
    if path.suffix.lower() == ".gguf":
        return converted(path, cache or _default_cache())
    if path.is_dir():
        return path
    if path.is_absolute() or source.startswith((".", "~")) or source.count("/") > 1:
        raise BaseModelMissing(f"base model {source}: there is no such folder; correct [model] source")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(source, revision=revision, allow_patterns=_HUB_FILES, local_files_only=not fetch))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise BaseModelMissing(
            f"base model {source} is neither a folder here nor could it be fetched from the hub "
            f"({type(error).__name__}); give its folder or GGUF file as [model] source"
        ) from error


def commit_of(folder: Path) -> str | None:
    """The hub's commit that `folder` is the snapshot of; None for a folder that is not in the hub's cache."""
    is_snapshot = folder.parent.name == "snapshots" and re.fullmatch("[0-9a-f]{40}", folder.name)
    return folder.name if is_snapshot else None


def _default_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fednode" / "models"
