"""Finds the base model's folder, from a local folder, a GGUF file or a hub id."""

from __future__ import annotations

import re
from pathlib import Path

from fedprotocol.program.environment import cache_folder

from fednode.base_model.errors import BaseModelMissing
from fednode.base_model.gguf import converted
from fednode.base_model.hub import from_hub


def locate(source: str, revision: str | None = None, cache: Path | None = None, fetch: bool = True) -> Path:
    """The local folder (config, safetensors, tokenizer) for a folder, GGUF file or hub id.

    A GGUF file is converted once into `cache` (default ~/.cache/fednode/models); a hub id is fetched by
    huggingface_hub into its own cache, or, if not `fetch`, only looked for there.
    Raises BaseModelMissing, BaseModelPartial, BaseModelError.
    """
    path = Path(source).expanduser()
    if path.suffix.lower() == ".gguf":
        return converted(path, cache or _default_cache())
    if path.is_dir():
        return path
    if path.is_absolute() or source.startswith((".", "~")) or source.count("/") > 1:
        raise BaseModelMissing(f"base model {source}: there is no such folder; correct [model] source")
    return from_hub(source, revision, fetch)


def commit_of(folder: Path) -> str | None:
    """The hub's commit that `folder` is the snapshot of; None for a folder that is not in the hub's cache."""
    is_snapshot = folder.parent.name == "snapshots" and re.fullmatch("[0-9a-f]{40}", folder.name)
    return folder.name if is_snapshot else None


def _default_cache() -> Path:
    return cache_folder() / "fednode" / "models"
