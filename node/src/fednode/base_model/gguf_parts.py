"""Recognises one part of a GGUF that consists of several files, before transformers makes a model from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fednode.base_model.errors import BaseModelError

if TYPE_CHECKING:
    from gguf import GGUFReader

_SHAPE = ("block_count", "embedding_length")
_JOIN = "join them with `llama-gguf-split --merge` and give the whole file"


def check_whole(gguf: Path, content: GGUFReader) -> None:
    """Raises BaseModelError if the file is one part of several, or does not say its model's shape. transformers would
    fill the missing parts with random weights, and would take Llama's shape with seven billion weights if none is
    given.
    """
    parts = content.get_field("split.count")
    if parts is not None and parts.contents() > 1:
        raise BaseModelError(f"{gguf}: this is one of {parts.contents()} parts of a GGUF; {_JOIN}")
    architecture = content.get_field("general.architecture")
    name = None if architecture is None else architecture.contents()
    if lacking := [key for key in _SHAPE if content.get_field(f"{name}.{key}") is None]:
        raise BaseModelError(
            f"{gguf}: this GGUF does not say its model's {' and '.join(lacking)}; if it is one part of several, {_JOIN}"
        )
