"""The digest that says which base model a federation trains on, however its weights are stored."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fednode.base_model.errors import BaseModelError
from fednode.base_model.load import load_skeleton, tensor_files

if TYPE_CHECKING:
    import torch

_CHUNK_BYTES = 1 << 26


def weights_digest(folder: Path) -> str:
    """0x-hex sha-256 of the weights before quantisation; the same for every copy with equal values.

    Over all tensors sorted by their transformers name: UTF-8 `name`, NUL, `dtype`, NUL, the decimal `shape` joined by
    commas, NUL, then the bytes, row-major and little-endian. Floating-point tensors count as float32 ("F32"): widening
    float16 or bfloat16 is exact, so the width that a copy is stored in does not show. A tied weight counts once, under
    the name it is tied to; rotary frequencies that old checkpoints hold are derived values and do not count.

    Raises BaseModelMissing (no safetensors), BaseModelError (already quantised, float64, remote code).
    """
    return tensors_digest(tensor_files(folder), load_skeleton(folder).all_tied_weights_keys)


def tensors_digest(files: Mapping[str, Path], tied: Mapping[str, str]) -> str:
    """The same over tensors, each in the file it is mapped to; `tied`: a weight's name to the one it is tied to."""
    import torch
    from safetensors import safe_open

    counted = {tied.get(name, name): name for name in sorted(files, key=lambda name: name in tied, reverse=True)}
    digest = hashlib.sha256()
    for name in sorted(counted):
        if name.endswith(".rotary_emb.inv_freq"):
            continue
        with safe_open(files[counted[name]], framework="pt") as file:
            tensor = file.get_slice(counted[name])
            shape = tensor.get_shape()
            dtype = _canonical(name, tensor.get_dtype())
            digest.update(f"{name}\0{dtype}\0{','.join(map(str, shape))}\0".encode())
            if 0 in shape:
                continue
            if not shape:
                chunks: Iterator[torch.Tensor] = iter([file.get_tensor(counted[name]).reshape(1)])
            else:
                rows = max(1, _CHUNK_BYTES // max(1, 4 * math.prod(shape[1:])))
                chunks = (tensor[start : start + rows] for start in range(0, shape[0], rows))
            for chunk in chunks:
                canonical = chunk.to(torch.float32) if dtype == "F32" else chunk
                digest.update(canonical.reshape(-1).view(torch.uint8).numpy().data)
    return "0x" + digest.hexdigest()


def _canonical(name: str, dtype: str) -> str:
    if dtype in ("F32", "F16", "BF16"):
        return "F32"
    if dtype.startswith(("F", "BF")):
        raise BaseModelError(f"weight {name} is {dtype}; only float32, float16 and bfloat16 models are supported")
    return dtype
