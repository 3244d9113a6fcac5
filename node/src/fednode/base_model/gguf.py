"""A GGUF file as a folder that transformers loads: the same weights, computed in the same way, on the same tokens."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedprotocol.files.whole import folder_made_whole

from fednode.base_model.errors import BaseModelError, BaseModelMissing
from fednode.base_model.foreign_errors import AGAIN, told_as
from fednode.base_model.gguf_parts import check_whole
from fednode.base_model.gguf_rope import carry_rope
from fednode.base_model.missing_weights import check_complete
from fednode.base_model.quiet_libraries import quiet

if TYPE_CHECKING:
    from gguf import GGUFReader

_UNUSED = 5  # the type in llama.cpp of tokens that only fill the vocabulary up to the width of the embedding


def converted(gguf: Path, cache: Path) -> Path:
    """The folder of a GGUF file, converted once into `cache`. Raises BaseModelMissing, BaseModelError."""
    try:
        with gguf.open("rb") as file:
            name = hashlib.file_digest(file, "sha256").hexdigest()[:32]
    except OSError as error:
        raise BaseModelMissing(f"{gguf}: cannot be read: {error.strerror}; correct [model] source") from error
    folder = cache / f"gguf{_FORM}-{name}"
    if not (folder / "config.json").is_file():
        convert_gguf(gguf, folder)
    return folder


_FORM = 2
"""The version of the conversion, so that a folder made by an older version is not used."""


def convert_gguf(gguf: Path, folder: Path) -> None:
    """Dequantise a GGUF file to float32 safetensors, config and tokenizer in a new `folder`, whole or not at all.

    float32 holds every GGUF value exactly, so the folder and the file are the same model. Raises BaseModelError, also
    if the file has settings that would be lost.
    """
    import torch
    from gguf import GGUFReader
    from transformers import AutoModelForCausalLM, AutoTokenizer

    quiet()
    try:
        with (
            folder_made_whole(folder) as draft,
            told_as(BaseModelError, f"{gguf}: this GGUF cannot be converted", AGAIN),
        ):
            content = GGUFReader(gguf)
            check_whole(gguf, content)
            # the progress bar of transformers for GGUF files ignores quiet()
            with contextlib.redirect_stderr(io.StringIO()):
                model, report = AutoModelForCausalLM.from_pretrained(
                    gguf.parent,
                    gguf_file=gguf.name,
                    dtype=torch.float32,
                    output_loading_info=True,
                    ignore_mismatched_sizes=True,  # missing tensors are in the report, and are refused by name
                )
            check_complete(gguf, model, report)
            tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
            # transformers still takes the dequantised model for a GGUF one and would refuse to save it
            model.hf_quantizer = None
            model.is_quantized = False
            del model.config.quantization_config
            carry_rope(content, model.config)
            model.save_pretrained(draft)
            tokenizer.save_pretrained(draft)
            _keep_tokens(draft / "tokenizer.json", _tokens(content))
    except OSError:
        if not (folder / "config.json").is_file():  # otherwise another process was first, with the same content
            raise


def _tokens(content: GGUFReader) -> dict[int, bool]:
    """The ids for which the file has tokens, and whether each is used."""
    tokens, types = (content.get_field(f"tokenizer.ggml.{name}") for name in ("tokens", "token_type"))
    count = len(tokens.data) if tokens is not None else 0
    kinds = types.contents() if types is not None else [1] * count
    return {index: kind != _UNUSED for index, kind in enumerate(kinds)}


def _keep_tokens(path: Path, known: dict[int, bool]) -> None:
    """Remove from a tokenizer.json what the model's original does not have: tokens that transformers adds (GPT-2's end
    of text, with an id beyond the embedding), and tokens that only fill the vocabulary."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    content["added_tokens"] = [token for token in content["added_tokens"] if known.get(token["id"])]
    vocabulary = content["model"]["vocab"]
    if isinstance(vocabulary, dict):
        content["model"]["vocab"] = {token: index for token, index in vocabulary.items() if known.get(index)}
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
