"""The merged model, beside what peft merges by itself."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fednode.base_model import BaseModelMismatch, weights_digest
from fednode.cli.export import Dtype, write_model
from fednode.global_model import new_folder
from fednode.global_model.errors import ExportError
from fednode.global_model.export import export_adapter
from fednode.global_model.merged_folder import export_merged
from fednode.global_model.provenance import Provenance
from fedprotocol.errors import FedError
from fedprotocol.spec import Spec
from huggingface_hub import ModelCard
from numpy.typing import NDArray
from peft import PeftModel
from safetensors.torch import load_file, save_file
from support.tiny_families import FAMILIES, build_family
from support.tiny_model import build_tiny_model
from support.tiny_spec import LORA, tiny_spec
from transformers import AutoModelForCausalLM, AutoTokenizer

pytestmark = pytest.mark.model

PROVENANCE = Provenance(round=3, root=b"\1" * 32, spec_digest=b"\2" * 32, chain_id=31337, contract="0x" + "ab" * 20)


def random_units(spec: Spec) -> NDArray[np.int32]:
    return np.random.default_rng(0).integers(-(2**21), 2**21, spec.layout.value_count, dtype=np.int32)


def by_peft(base: Path, spec: Spec, units: NDArray[np.int32], folder: Path) -> dict[str, torch.Tensor]:
    export_adapter(spec, units, PROVENANCE, folder)
    model: Any = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), folder)
    weights: dict[str, torch.Tensor] = model.merge_and_unload().state_dict()
    return weights


def test_it_is_what_peft_merges_in_several_files(tiny_folder: Path, tmp_path: Path) -> None:
    spec, _ = tiny_spec(tiny_folder, "fp32")
    units, steps = random_units(spec), list[tuple[int, int]]()
    out = tmp_path / "new" / "merged"
    export_merged(
        spec, units, PROVENANCE, tiny_folder, out, None, lambda *step: steps.append(step), shard_bytes=100_000
    )

    assert [path.name for path in out.parent.iterdir()] == ["merged"]
    shards = sorted(out.glob("model-0000*-of-0000*.safetensors"))
    assert len(shards) > 1
    assert all(shard.stat().st_size < 150_000 for shard in shards)
    assert not (out / "model.safetensors").exists()
    assert steps == [(done, len(steps)) for done in range(1, len(steps) + 1)]

    merged = AutoModelForCausalLM.from_pretrained(out)
    expected = by_peft(tiny_folder, spec, units, tmp_path / "adapter")
    found = merged.state_dict()
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-6, atol=1e-6)
    base = load_file(tiny_folder / "model.safetensors")
    changed = {name for name, value in found.items() if name in base and not torch.equal(value, base[name])}
    assert {name.split(".")[-2] for name in changed} == {"q_proj", "v_proj", "down_proj"}

    assert merged.generation_config.eos_token_id == spec.base_model.tokenizer.end
    ours, theirs = (AutoTokenizer.from_pretrained(folder) for folder in (out, tiny_folder))
    assert ours("a small rose<|end|>").input_ids == theirs("a small rose<|end|>").input_ids


def test_global_0_is_the_base_model(tiny_folder: Path, tmp_path: Path) -> None:
    spec, adapter = tiny_spec(tiny_folder)
    export_merged(spec, adapter.units, PROVENANCE, tiny_folder, tmp_path / "out")
    assert weights_digest(tmp_path / "out") == spec.base_model.digest


def test_another_type_is_rounded_once(tiny_folder: Path, tmp_path: Path) -> None:
    spec, _ = tiny_spec(tiny_folder)
    units = random_units(spec)
    for dtype in (None, "bf16", "fp16"):
        export_merged(spec, units, PROVENANCE, tiny_folder, tmp_path / str(dtype), dtype)
    wide = load_file(tmp_path / "None" / "model.safetensors")
    for dtype, torchs in (("bf16", torch.bfloat16), ("fp16", torch.float16)):
        narrow = load_file(tmp_path / dtype / "model.safetensors")
        assert all(torch.equal(narrow[name], value.to(torchs)) for name, value in wide.items())
        assert json.loads((tmp_path / dtype / "config.json").read_text())["dtype"] == str(torchs).removeprefix("torch.")


def test_a_narrow_base_model_keeps_its_type_and_its_sums_are_rounded_once(tiny_folder: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(tiny_folder, base)
    held = load_file(base / "model.safetensors")
    save_file({name: value.bfloat16() for name, value in held.items()}, base / "model.safetensors")
    spec, _ = tiny_spec(base)
    units = random_units(spec)
    export_merged(spec, units, PROVENANCE, base, tmp_path / "out")
    expected = by_peft(base, spec, units, tmp_path / "adapter")  # in float32
    for name, value in load_file(tmp_path / "out" / "model.safetensors").items():
        assert value.dtype is torch.bfloat16
        torch.testing.assert_close(value, expected[name].bfloat16(), rtol=2**-8, atol=1e-7)


def test_the_card_says_what_was_merged_onto_what(tiny_folder: Path, tmp_path: Path) -> None:
    for kind in ("nf4", "fp32"):
        spec, adapter = tiny_spec(tiny_folder, kind)
        spec = spec.model_copy(update={"base_model": spec.base_model.model_copy(update={"id": "org/model"})})
        export_merged(spec, adapter.units, PROVENANCE, tiny_folder, tmp_path / kind)
        card = ModelCard.load(tmp_path / kind / "README.md")
        assert (card.data.base_model, card.data.library_name) == ("org/model", "transformers")
        assert ("unquantised weights" in card.text) == (kind == "nf4")
        assert "W + alpha / r * B A" in card.text
        assert str(tmp_path) not in card.content


def test_layers_that_hold_their_weight_transposed(tmp_path: Path) -> None:
    base = build_family(tmp_path / "base", "gpt2")
    lora = LORA.model_copy(update={"target_modules": FAMILIES["gpt2"].targets})
    spec, _ = tiny_spec(base, "fp32", lora)
    units = random_units(spec)
    export_merged(spec, units, PROVENANCE, base, tmp_path / "out")
    expected = by_peft(base, spec, units, tmp_path / "adapter")
    for name, value in AutoModelForCausalLM.from_pretrained(tmp_path / "out").state_dict().items():
        torch.testing.assert_close(value, expected[name], rtol=1e-6, atol=1e-6)


def test_the_generation_ends_where_the_adapter_does(tiny_folder: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(tiny_folder, base)
    (base / "generation_config.json").write_text('{"eos_token_id": 5, "temperature": 0.7, "do_sample": true}')
    spec, adapter = tiny_spec(base)
    export_merged(spec, adapter.units, PROVENANCE, base, tmp_path / "out")
    written = json.loads((tmp_path / "out" / "generation_config.json").read_text())
    assert written == {"eos_token_id": [5, spec.base_model.tokenizer.end], "temperature": 0.7, "do_sample": True}


def test_nothing_is_left_of_an_export_that_fails(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, adapter = tiny_spec(tiny_folder)
    out = tmp_path / "new" / "out"

    def interrupt(done: int, total: int) -> None:
        if done == total - 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_merged(spec, adapter.units, PROVENANCE, tiny_folder, out, None, interrupt, shard_bytes=100_000)
    assert list(out.parent.iterdir()) == []

    too_large = random_units(spec) * 64
    base = tmp_path / "base"
    shutil.copytree(tiny_folder, base)
    held = load_file(base / "model.safetensors")
    held["model.norm.weight"] = held["model.norm.weight"] * 1e6
    save_file(held, base / "model.safetensors")
    large, _ = tiny_spec(base)
    with pytest.raises(ExportError, match="beyond the range of"):
        export_merged(large, too_large, PROVENANCE, base, out, "fp16")
    with pytest.raises(BaseModelMismatch):
        export_merged(spec, adapter.units, PROVENANCE, base, out)
    monkeypatch.setattr(new_folder.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 10**6))
    with pytest.raises(ExportError, match=r"only 976.6 KiB are free"):
        export_merged(spec, adapter.units, PROVENANCE, tiny_folder, out)
    assert list(out.parent.iterdir()) == []


def test_an_output_layer_that_is_the_embedding_too_is_not_changed(tiny_folder: Path, tmp_path: Path) -> None:
    spec, adapter = tiny_spec(tiny_folder, "fp32", LORA.model_copy(update={"target_modules": ("lm_head",)}))
    with pytest.raises(ExportError, match="shares with another layer"):
        export_merged(spec, adapter.units, PROVENANCE, tiny_folder, tmp_path / "out")


@pytest.mark.parametrize(
    ("merged", "gguf", "dtype"),
    [(False, False, Dtype.bf16), (False, True, Dtype.fp16), (True, False, Dtype.q8_0)],
)
def test_a_type_that_the_form_cannot_have(tmp_path: Path, merged: bool, gguf: bool, dtype: Dtype) -> None:
    with pytest.raises(FedError, match="--dtype"):
        write_model(None, None, tmp_path / "out", merged, gguf, dtype)  # type: ignore[arg-type]


def test_another_base_model_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    spec, adapter = tiny_spec(tiny_folder)
    other = build_tiny_model(tmp_path / "other", seed=1)
    with pytest.raises(BaseModelMismatch, match="digest"):
        export_merged(spec, adapter.units, PROVENANCE, other, tmp_path / "out")
