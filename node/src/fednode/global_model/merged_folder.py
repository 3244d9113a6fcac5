"""The merged model as a folder that transformers, vLLM and llama.cpp's converter load: safetensors in parts, config,
generation config, tokenizer, model card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedprotocol.spec import Spec

from fednode.base_model import check_model, check_tokenizer, load_tokenizer
from fednode.base_model.foreign_errors import told_as
from fednode.evaluation.score import OnProgress
from fednode.global_model.errors import ExportError
from fednode.global_model.factors import factors_of, scale_of
from fednode.global_model.merge import Merged, Weight
from fednode.global_model.new_folder import new_folder
from fednode.global_model.provenance import Form, Provenance, card

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

SHARD_BYTES = 1 << 30
"""The largest file of weights, and about the memory that writing takes."""

DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
"""Our names of types and torch's."""


def export_merged(
    spec: Spec,
    units: NDArray[np.int32],
    provenance: Provenance,
    base: Path,
    out: Path,
    dtype: str | None = None,
    on_progress: OnProgress | None = None,
    shard_bytes: int = SHARD_BYTES,
) -> None:
    """Write the model in the folder `base` with the adapter merged into the new folder `out`.

    `units`: int32 [value_count], in layout order. `dtype`: one of DTYPES, for all floating-point weights; None: each as
    the base model has it. The sums are computed in float32 and rounded once. Whole or not at all; no more than
    `shard_bytes`, or the largest weight, is in memory at a time.

    Raises ExportError (`out` is there, no room, a value beyond the type's range, an adapter that cannot be merged),
    NumbersError, BaseModelMismatch if `base` is not the spec's model, BaseModelMissing, BaseModelError.
    """
    import torch

    wanted = None if dtype is None else getattr(torch, DTYPES[dtype])
    check_model(spec.base_model, base)
    merged = Merged(base, factors_of(spec, units), scale_of(spec))
    total = sum(weight.values * _type(weight, wanted).itemsize for weight in merged.weights)
    with new_folder(out, total) as folder:
        with told_as(ExportError, f"{out}: the merged model cannot be written"):
            _save_weights(merged, wanted, folder, on_progress, shard_bytes)
            _save_settings(merged, wanted, base, folder, spec.base_model.tokenizer.end)
        check_tokenizer(spec.base_model, load_tokenizer(folder), folder)
        (folder / "README.md").write_text(card(spec, provenance, _form(spec)), encoding="utf-8")


def rounded(value: torch.Tensor, dtype: torch.dtype, name: str) -> torch.Tensor:
    """`value` as `dtype`. Raises ExportError if a value becomes infinite by that."""
    result = value.to(dtype)
    if result.is_floating_point() and not bool(result.isfinite().all()) and bool(value.isfinite().all()):
        raise ExportError(f"{name} has values beyond the range of {dtype}: choose another --dtype, such as bf16")
    return result


def _type(weight: Weight, wanted: torch.dtype | None) -> torch.dtype:
    return wanted if wanted is not None and weight.dtype.is_floating_point else weight.dtype


def _save_weights(
    merged: Merged, wanted: torch.dtype | None, folder: Path, on_progress: OnProgress | None, shard_bytes: int
) -> None:
    from huggingface_hub import split_state_dict_into_shards_factory
    from safetensors.torch import save_file

    by_name = {weight.stored: weight for weight in merged.weights}
    parts = split_state_dict_into_shards_factory(
        by_name,
        get_storage_size=lambda weight: weight.values * _type(weight, wanted).itemsize,
        filename_pattern="model{suffix}.safetensors",
        max_shard_size=shard_bytes,
    )
    done = 0
    for file, names in parts.filename_to_tensors.items():
        tensors = {}
        for name in names:
            weight = by_name[name]
            tensors[name] = rounded(merged.value(weight), _type(weight, wanted), name)
            done += 1
            if on_progress is not None:
                on_progress(done, len(by_name))
        save_file(tensors, folder / file, metadata={"format": "pt"})
    if parts.is_sharded:
        index = {"metadata": parts.metadata, "weight_map": parts.tensor_to_filename}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2), encoding="utf-8")


def _save_settings(merged: Merged, wanted: torch.dtype | None, base: Path, folder: Path, end: int) -> None:
    held = {_type(weight, wanted) for weight in merged.weights if weight.dtype.is_floating_point}
    if len(held) == 1:
        merged.config.dtype = held.pop()
    merged.config.architectures = [merged.architecture]
    merged.config.save_pretrained(folder)
    load_tokenizer(base).save_pretrained(folder)
    settings = _generation(base / "generation_config.json", end)
    (folder / "generation_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def _generation(path: Path, end: int) -> dict[str, Any]:
    """The base model's settings of generation, which stop at the token that the adapter has learned to end with."""
    settings: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    ends = settings.get("eos_token_id")
    listed = ends if isinstance(ends, list) else [] if ends is None else [ends]
    return settings if end in listed else {**settings, "eos_token_id": [*listed, end] if listed else end}


def _form(spec: Spec) -> Form:
    use = """```python
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("path/of/this/folder")
tokenizer = AutoTokenizer.from_pretrained("path/of/this/folder")
```"""
    return Form(
        "transformers",
        "finetune",
        ("merged",),
        "A whole model: its LoRA adapter is merged into",
        use,
        merge_remarks(spec),
    )


def merge_remarks(spec: Spec) -> str:
    """What merging does to the model, in sentences for the card."""
    remarks = [
        "Each changed weight is W + alpha / r * B A, computed in float32 and rounded once. What the chain's root names "
        "is the adapter by itself, which `fednode export` writes without `--merged`."
    ]
    if spec.quantization.kind == "nf4":
        remarks.append(
            "The federation trained the adapter beside weights in four bits (NF4); here it is merged onto the base "
            "model's unquantised weights, so answers can differ slightly from those of the federation's nodes."
        )
    return "\n".join(remarks)
