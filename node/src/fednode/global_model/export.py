"""A global adapter as a PEFT folder that `PeftModel.from_pretrained` loads, with a model card. Needs no base model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from fedprotocol.spec import Spec

from fednode.global_model.factors import tensors_of
from fednode.global_model.new_folder import new_folder
from fednode.global_model.provenance import Form, Provenance, card

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def export_adapter(spec: Spec, units: NDArray[np.int32], provenance: Provenance, out: Path) -> None:
    """Write adapter_config.json, adapter_model.safetensors (float32) and README.md into the new folder `out`.

    `units`: int32 [value_count], in layout order; the values written are exactly `units * 2^-24`.
    Raises ExportError if `out` is there already, NumbersError on another type or length. Whole or not at all.
    """
    from safetensors.numpy import save_file

    from fednode.base_model.quiet_libraries import quiet

    quiet()
    from fednode.training.adapter import lora_config

    tensors = tensors_of(spec, units)
    with new_folder(out, sum(tensor.nbytes for tensor in tensors.values())) as folder:
        save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
        lora_config(spec.lora, base_model=spec.base_model.id).save_pretrained(folder)
        (folder / "README.md").write_text(card(spec, provenance, _form(spec)), encoding="utf-8")


def _form(spec: Spec) -> Form:
    base = json.dumps(spec.base_model.id, ensure_ascii=False)
    use = f"""```python
from peft import PeftModel
from transformers import AutoModelForCausalLM

model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained({base}), "path/of/this/folder")
```"""
    return Form("peft", "adapter", ("lora",), "A LoRA adapter for", use)
