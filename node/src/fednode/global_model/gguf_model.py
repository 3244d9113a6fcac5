"""The merged model as one GGUF file with its tokenizer, for llama.cpp and what stands on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedprotocol.spec import Spec

from fednode.base_model import check_model, load_tokenizer
from fednode.base_model.foreign_errors import told_as
from fednode.evaluation.score import OnProgress
from fednode.global_model.errors import ExportError
from fednode.global_model.factors import factors_of, scale_of
from fednode.global_model.gguf_family import Names, write_settings
from fednode.global_model.gguf_tokens import write_tokens
from fednode.global_model.merge import Merged, Weight
from fednode.global_model.merged_folder import merge_remarks
from fednode.global_model.modelfile import modelfile
from fednode.global_model.new_folder import new_folder
from fednode.global_model.provenance import Form, Provenance, card, summary

if TYPE_CHECKING:
    import numpy as np
    from gguf import GGMLQuantizationType, GGUFWriter
    from numpy.typing import NDArray

NAME = "model.gguf"
DTYPES = {"fp32": "F32", "bf16": "BF16", "fp16": "F16", "q8_0": "Q8_0"}
"""Our names of types and ggml's."""
_FILE_TYPES = {"F32": "ALL_F32", "BF16": "MOSTLY_BF16", "F16": "MOSTLY_F16", "Q8_0": "MOSTLY_Q8_0"}
INSTEAD = "export it with --merged alone, and run llama.cpp's convert_hf_to_gguf.py on that folder"


def export_gguf_model(
    spec: Spec,
    units: NDArray[np.int32],
    provenance: Provenance,
    base: Path,
    out: Path,
    dtype: str | None = None,
    on_progress: OnProgress | None = None,
) -> None:
    """Write model.gguf, a Modelfile for Ollama and README.md into the new folder `out`.

    `units`: int32 [value_count], in layout order. `dtype`: one of DTYPES, for all matrices (a row that q8_0 cannot
    divide into blocks of 32 stays in fp16; vectors are float32); None: as the base model has them. The sums are
    computed in float32 and rounded once. Whole or not at all; one weight is in memory at a time.

    Raises ExportError (a model, tokenizer or value that cannot be written so, `out` is there, no room), NumbersError,
    BaseModelMismatch if `base` is not the spec's model, BaseModelMissing, BaseModelError.
    """
    import gguf

    check_model(spec.base_model, base)
    merged = Merged(base, factors_of(spec, units), scale_of(spec))
    names, tokenizer = Names(merged.config, INSTEAD), load_tokenizer(base)
    weights = list(_written(merged))
    kinds = [_kind(weight, dtype) for weight in weights]
    total = sum(_bytes(weight, kind) for weight, kind in zip(weights, kinds, strict=True))
    widest = max(zip(weights, kinds, strict=True), key=lambda pair: pair[0].values)[1]
    with (
        new_folder(out, total) as folder,
        told_as(ExportError, f"{out}: the model cannot be written as GGUF"),
        closing(gguf.GGUFWriter(folder / NAME, names.family.architecture)) as writer,
    ):
        writer.add_type(gguf.GGUFType.MODEL)
        writer.add_name(f"{spec.name}, round {provenance.round}")
        writer.add_description(summary(spec, provenance))
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
        writer.add_file_type(gguf.LlamaFileType[_FILE_TYPES[widest.name]])
        divisors = write_settings(writer, merged.config, INSTEAD)
        write_tokens(writer, tokenizer, spec.prompt, merged.config.vocab_size, INSTEAD)
        for weight, kind in zip(weights, kinds, strict=True):
            _announce(writer, names.of(weight.name), weight, kind)
        if divisors is not None:
            writer.add_tensor_info("rope_freqs.weight", divisors.shape, divisors.dtype, divisors.nbytes)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for done, (weight, kind) in enumerate(zip(weights, kinds, strict=True), 1):
            writer.write_tensor_data(_quantised(names.rows(weight.name, _wide(merged, weight)), kind, weight.name))
            if on_progress is not None:
                on_progress(done, len(weights))
        if divisors is not None:
            writer.write_tensor_data(divisors)
        (folder / "Modelfile").write_text(modelfile(spec, tokenizer, NAME), encoding="utf-8")
        (folder / "README.md").write_text(card(spec, provenance, _form(spec)), encoding="utf-8")


def _written(merged: Merged) -> Iterator[Weight]:
    """The weights that llama.cpp has a place for: frequencies are computed, and a shared weight is there once."""
    import torch

    first: dict[str, Weight] = {}
    for weight in merged.weights:
        if weight.name.endswith(".rotary_emb.inv_freq"):
            continue
        if (same := first.setdefault(weight.name, weight)) is weight:
            yield weight
        elif not torch.equal(merged.value(same), merged.value(weight)):
            raise ExportError(f"the base model's files hold {weight.name} twice, with different values; {INSTEAD}")


def _kind(weight: Weight, dtype: str | None) -> GGMLQuantizationType:
    import torch
    from gguf import GGMLQuantizationType

    own = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16"}
    if weight.dtype not in own:
        raise ExportError(f"{weight.name} has no floating-point values ({weight.dtype}); {INSTEAD}")
    if len(weight.shape) < 2:
        return GGMLQuantizationType.F32
    name = own[weight.dtype] if dtype is None else DTYPES[dtype]
    return GGMLQuantizationType["F16" if name == "Q8_0" and weight.shape[-1] % 32 else name]


def _bytes(weight: Weight, kind: GGMLQuantizationType) -> int:
    import gguf

    block, size = gguf.GGML_QUANT_SIZES[kind]
    return int(weight.values // block * size)


def _announce(writer: GGUFWriter, name: str, weight: Weight, kind: GGMLQuantizationType) -> None:
    import numpy as np

    writer.add_tensor_info(name, weight.shape, np.dtype(np.float32), _bytes(weight, kind), raw_dtype=kind)


def _wide(merged: Merged, weight: Weight) -> NDArray[np.float32]:
    value: NDArray[np.float32] = merged.value(weight).float().numpy()
    return value


def _quantised(value: NDArray[np.float32], kind: GGMLQuantizationType, name: str) -> NDArray[Any]:
    import numpy as np
    from gguf import quants

    with np.errstate(over="ignore"):
        written: NDArray[Any] = quants.quantize(value, kind)
    if written.dtype == np.float16 and not np.isfinite(written).all():
        raise ExportError(f"{name} has values beyond the range of fp16: choose another --dtype, such as bf16")
    return written


def _form(spec: Spec) -> Form:
    use = f"""```
llama-cli -m {NAME} --temp 0
ollama create NAME -f Modelfile
```

The file has the prompt template as its chat template."""
    return Form(
        "gguf", "finetune", ("gguf",), "A whole model: its LoRA adapter is merged into", use, merge_remarks(spec)
    )
