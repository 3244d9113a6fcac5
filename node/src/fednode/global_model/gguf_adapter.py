"""A global adapter as GGUF for llama.cpp and what stands on it, which apply it to the base model's GGUF."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from fedprotocol.spec import Spec

from fednode.base_model.foreign_errors import told_as
from fednode.base_model.skeleton import load_config
from fednode.base_model.tokenizer import load_tokenizer
from fednode.global_model.errors import ExportError
from fednode.global_model.factors import factors_of
from fednode.global_model.gguf_family import Names
from fednode.global_model.modelfile import modelfile
from fednode.global_model.new_folder import new_folder
from fednode.global_model.provenance import Form, Provenance, card, summary

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAME = "adapter.gguf"
INSTEAD = (
    "export it without --gguf, and run llama.cpp's convert_lora_to_gguf.py on that folder (with --base and the folder "
    "of the base model)"
)


def export_gguf_adapter(spec: Spec, units: NDArray[np.int32], provenance: Provenance, base: Path, out: Path) -> None:
    """Write adapter.gguf (float32), a Modelfile for Ollama and README.md into the new folder `out`.

    `units`: int32 [value_count], in layout order; the values written are exactly `units * 2^-24`. Of the model in the
    folder `base` only config and tokenizer are read. Whole or not at all.

    The format: `general.type` adapter, `adapter.type` lora, `adapter.lora.alpha`; for each layer, under llama.cpp's
    name of its weight, `.lora_a` (A, [r, in]) and `.lora_b` (B, [out, r]). llama.cpp multiplies B A by alpha / r.
    Raises ExportError, NumbersError, BaseModelMissing, BaseModelError.
    """
    import gguf

    names = Names(load_config(base), INSTEAD)
    factors = factors_of(spec, units)
    tokenizer = load_tokenizer(base)
    with (
        new_folder(out, sum(pair.a.nbytes + pair.b.nbytes for pair in factors.values())) as folder,
        told_as(ExportError, f"{out}: the adapter cannot be written as GGUF"),
        closing(gguf.GGUFWriter(folder / NAME, names.family.architecture)) as writer,
    ):
        writer.add_type(gguf.GGUFType.ADAPTER)
        writer.add_name(f"{spec.name}, round {provenance.round}")
        writer.add_description(summary(spec, provenance))
        writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
        writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(spec.lora.alpha))
        for layer, pair in factors.items():
            weight = f"{layer}.weight"
            writer.add_tensor(f"{names.of(weight)}.lora_a", pair.a)
            writer.add_tensor(f"{names.of(weight)}.lora_b", names.rows(weight, pair.b))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        (folder / "Modelfile").write_text(modelfile(spec, tokenizer, "base.gguf", NAME), encoding="utf-8")
        (folder / "README.md").write_text(card(spec, provenance, _form()), encoding="utf-8")


def _form() -> Form:
    use = f"""It is applied to the base model as GGUF, which must be a file of the same weights:

```
llama-cli -m base.gguf --lora {NAME} --temp 0
```

`fednode export --round 0 --merged --gguf --out base` writes such a file: global 0 changes nothing of the base model.
With that file beside it as `base.gguf`, `ollama create NAME -f Modelfile` makes a model of both for Ollama."""
    return Form("gguf", "adapter", ("lora", "gguf"), "A LoRA adapter in GGUF for", use)
