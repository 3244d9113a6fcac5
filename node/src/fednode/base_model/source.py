"""Where the base model's folder comes from: a local folder, a GGUF file or a hub id."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import shutil
import tempfile
from pathlib import Path

from fednode.base_model.errors import BaseModelError, BaseModelMissing
from fednode.base_model.quiet import quiet

_HUB_FILES = ["*.safetensors", "*.json", "tokenizer.model", "*.jinja"]


def locate(source: str, revision: str | None = None, cache: Path | None = None, fetch: bool = True) -> Path:
    """The local folder (config, safetensors, tokenizer) of a folder, GGUF file or hub id.

    A GGUF file is converted once into `cache` (default ~/.cache/fednode/models); a hub id is fetched by
    huggingface_hub into its own cache, or, if not `fetch`, only looked for there. Raises BaseModelMissing.
    """
    path = Path(source).expanduser()
    if path.suffix.lower() == ".gguf":
        return _converted(path, cache or _default_cache())
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


def convert_gguf(gguf: Path, folder: Path) -> None:
    """Dequantise a GGUF file to float32 safetensors, config and tokenizer in a new `folder`, whole or not at all.

    float32 holds every GGUF value exactly, so that the folder and the file are one model. Raises BaseModelError.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    quiet()
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        try:
            with contextlib.redirect_stderr(io.StringIO()):  # transformers' bar for GGUF files ignores quiet()
                model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
            tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        except (OSError, ValueError, KeyError, NotImplementedError) as error:
            raise BaseModelError(f"{gguf}: this GGUF cannot be converted: {error}") from error
        # transformers still takes the dequantised model for a GGUF one and would refuse to save it
        model.hf_quantizer = None
        model.is_quantized = False
        del model.config.quantization_config
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        try:
            partial.chmod(0o755)  # mkdtemp makes it private
            partial.rename(folder)
        except OSError:
            if not (folder / "config.json").is_file():  # else another process was first, with the same content
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _default_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fednode" / "models"


def _converted(gguf: Path, cache: Path) -> Path:
    try:
        with gguf.open("rb") as file:
            name = hashlib.file_digest(file, "sha256").hexdigest()[:32]
    except OSError as error:
        raise BaseModelMissing(f"{gguf}: cannot be read: {error.strerror}; correct [model] source") from error
    folder = cache / f"gguf-{name}"
    if not (folder / "config.json").is_file():
        convert_gguf(gguf, folder)
    return folder
