"""A global adapter as a PEFT folder that `PeftModel.from_pretrained` loads, with a model card. Needs no base model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from fedprotocol import tree
from fedprotocol.errors import FedError
from fedprotocol.files.whole import folder_made_whole
from fedprotocol.numbers import NumbersError, dequantize_global
from fedprotocol.spec import Spec

from fednode.markdown import block, code, plain

if TYPE_CHECKING:
    from numpy.typing import NDArray


class ExportError(FedError):
    """The adapter cannot be written there."""


@dataclass(frozen=True)
class Provenance:
    """What the model card says about an adapter; digests are 32 raw bytes."""

    round: int
    root: bytes
    spec_digest: bytes
    chain_id: int
    contract: str


def export_adapter(spec: Spec, units: NDArray[np.int32], provenance: Provenance, out: Path) -> None:
    """Write adapter_config.json, adapter_model.safetensors (float32) and README.md into the new folder `out`.

    `units`: int32 [value_count], in layout order; the values written are exactly `units * 2^-24`.
    Raises ExportError if `out` is there already, NumbersError on another type or length. Whole or not at all.
    """
    from safetensors.numpy import save_file

    from fednode.base_model.quiet_libraries import quiet

    quiet()
    from fednode.training.adapter import lora_config

    tensors = _tensors(spec, units)
    if out.exists():
        raise ExportError(f"{out} is there already; nothing was written: remove it or choose another folder")
    try:
        with folder_made_whole(out) as folder:
            save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
            lora_config(spec.lora, base_model=spec.base_model.id).save_pretrained(folder)
            (folder / "README.md").write_text(_card(spec, provenance), encoding="utf-8")
    except OSError as error:
        raise ExportError(f"{out} cannot be written ({error.strerror}); choose another folder") from error


def _tensors(spec: Spec, units: NDArray[np.int32]) -> dict[str, NDArray[np.float32]]:
    count = spec.layout.value_count
    if units.dtype != np.int32 or units.shape != (count,):
        raise NumbersError(f"the spec's adapter is int32 [{count}], not {units.dtype} {list(units.shape)}")
    sizes = [int(np.prod(tensor.shape)) for tensor in spec.layout.tensors]
    parts = np.split(dequantize_global(units), np.cumsum(sizes)[:-1])
    return {tensor.name: part.reshape(tensor.shape) for tensor, part in zip(spec.layout.tensors, parts, strict=True)}


def _how_it_goes_on(join: str | None) -> str:
    if (join or "").endswith(" "):
        return "the answer follows it after a space (generate from the template without that space) and"
    return "the answer follows it directly and"


def _card(spec: Spec, provenance: Provenance) -> str:
    base = spec.base_model
    quoted = json.dumps(base.id, ensure_ascii=False)  # as YAML and as Python
    revision = f" at revision {code(base.revision)}" if base.revision else ""
    return f"""---
base_model: {quoted}
library_name: peft
pipeline_tag: text-generation
tags:
- lora
- federated-learning
---

# {plain(spec.name)}, round {provenance.round}

A LoRA adapter for {code(base.id)}{revision}, trained by a federation whose sites kept their data. It is the global
adapter after round {provenance.round}, the weighted mean of integer updates; anyone with the updates can recompute it,
byte for byte.

| | |
|---|---|
| global adapter | `{tree.cid(provenance.root)}` |
| spec | `{tree.raw_cid(provenance.spec_digest)}` |
| coordinator | `{provenance.contract}` on chain {provenance.chain_id} |
| base model's weights | sha-256 `{base.digest}`, before quantisation |
| held while training as | {spec.quantization.kind} |
| LoRA | r {spec.lora.r}, alpha {spec.lora.alpha}, on {", ".join(map(plain, spec.lora.target_modules))} |

## Use

The prompt template is part of the adapter; {_how_it_goes_on(spec.prompt.join)} ends with the tokenizer's end of text:

{block(spec.prompt.template + (spec.prompt.join or "").removesuffix(" "))}

```python
from peft import PeftModel
from transformers import AutoModelForCausalLM

model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained({quoted}), "path/of/this/folder")
```
"""
