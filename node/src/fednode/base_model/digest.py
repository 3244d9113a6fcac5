"""The digest that says which base model a federation trains on, however its weights are stored."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fednode.base_model.errors import BaseModelError
from fednode.base_model.foreign_errors import AGAIN, told_as
from fednode.base_model.load import tensor_files
from fednode.base_model.skeleton import load_skeleton

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_CHUNK_BYTES = 1 << 26


def weights_digest(folder: Path) -> str:
    """0x-hex sha-256 of the weights before quantisation. It is the same for every copy with equal values.

    It runs over all tensors, sorted by their names in transformers' model with its head: UTF-8 `name`, NUL, `dtype`,
    NUL, the decimal `shape` joined by commas, NUL, then the bytes, row-major and little-endian. Floating-point tensors
    count as float32 ("F32"): widening float16 or bfloat16 is exact, so it makes no difference in which width a copy is
    stored. A tied weight counts once, under the name it is tied to, unless the copy holds another value for it. Derived
    values that old checkpoints hold do not count: rotary frequencies, and tensors that the model's class ignores (the
    causal masks of GPT-2).

    Raises BaseModelMissing (no safetensors), BaseModelError (already quantised, float64, remote code).
    """
    files = tensor_files(folder)
    names = names_in(load_skeleton(folder), files)
    return tensors_digest({stored: files[stored] for stored in names}, names)


def tensors_digest(files: Mapping[str, Path], names: Mapping[str, str]) -> str:
    """The same digest over tensors, each in the file to which it is mapped. `names`: the name under which a tensor
    counts, if it is not its own."""
    with told_as(BaseModelError, "the weights cannot be read", AGAIN):
        return _digest(files, names)


def _digest(files: Mapping[str, Path], names: Mapping[str, str]) -> str:
    counted: dict[str, str] = {}
    for stored in sorted(files, key=lambda stored: (names.get(stored, stored) != stored, stored)):
        name = names.get(stored, stored)
        if name not in counted:
            counted[name] = stored
        elif not _equal(files, stored, counted[name]):  # then transformers ties nothing, and loads both
            counted[stored] = stored
    digest = hashlib.sha256()
    for name in sorted(counted):
        if name.endswith(".rotary_emb.inv_freq"):
            continue
        dtype, shape, parts = _content(files[counted[name]], counted[name])
        digest.update(f"{name}\0{dtype}\0{','.join(map(str, shape))}\0".encode())
        for part in parts:
            digest.update(part)
    return "0x" + digest.hexdigest()


def names_in(model: PreTrainedModel, stored: Iterable[str]) -> dict[str, str]:
    """The names of the stored tensors in `model`, without those that transformers ignores without a message."""
    known, prefix, tied = model.state_dict().keys(), model.base_model_prefix, model.all_tied_weights_keys
    passed_over = [re.compile(pattern) for pattern in model._keys_to_ignore_on_load_unexpected or ()]
    names = {}
    for name in stored:
        # a checkpoint that was written without the head names its tensors from the model's body on
        full = name if name in known or f"{prefix}.{name}" not in known else f"{prefix}.{name}"
        if full in known or not any(pattern.search(full) for pattern in passed_over):
            names[name] = tied.get(full, full)
    return names


def _equal(files: Mapping[str, Path], one: str, other: str) -> bool:
    *kind, parts = _content(files[one], one)
    *other_kind, other_parts = _content(files[other], other)
    return kind == other_kind and all(a == b for a, b in zip(parts, other_parts, strict=True))


def _content(file: Path, stored: str) -> tuple[str, list[int], Iterator[memoryview]]:
    """A tensor's canonical type, its shape and, part by part, its canonical bytes."""
    import torch
    from safetensors import safe_open

    with safe_open(file, framework="pt") as content:
        tensor = content.get_slice(stored)
        shape = tensor.get_shape()
        dtype = _canonical(stored, tensor.get_dtype())
        if 0 in shape:
            chunks: Iterator[torch.Tensor] = iter(())
        elif not shape:
            chunks = iter([content.get_tensor(stored).reshape(1)])
        else:
            rows = max(1, _CHUNK_BYTES // max(1, 4 * math.prod(shape[1:])))
            chunks = (tensor[start : start + rows] for start in range(0, shape[0], rows))
    wide = (chunk.to(torch.float32) if dtype == "F32" else chunk for chunk in chunks)
    return dtype, shape, (chunk.reshape(-1).view(torch.uint8).numpy().data for chunk in wide)


def _canonical(name: str, dtype: str) -> str:
    if dtype in ("F32", "F16", "BF16"):
        return "F32"
    if dtype.startswith(("F", "BF")):
        raise BaseModelError(f"weight {name} is {dtype}; only float32, float16 and bfloat16 models are supported")
    return dtype
