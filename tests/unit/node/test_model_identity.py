"""Which copies are the spec's model and which compute something else, with the difference named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from fedlab.experiment.models import Base
from fednode.base_model import (
    BaseModelError,
    BaseModelMismatch,
    check_model,
    identity_of,
    load_base,
    locate,
    weights_digest,
)
from fednode.base_model.gguf_rope import carry_rope
from fednode.site_model import load_encoder
from fednode.training import AdapterModel
from fedprotocol.base_model import BaseModelRef
from fedprotocol.spec import Quantization, dump_spec, load_spec
from support.tiny_families import build_family
from support.tiny_gguf import llama3_divisors, write_gguf
from support.tiny_spec import tiny_spec

pytestmark = pytest.mark.model

FP32 = Quantization(kind="fp32", double_quant=False, compute_dtype="fp32")
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}


@pytest.fixture(scope="module")
def ref(tiny_folder: Path) -> BaseModelRef:
    return identity_of(tiny_folder).named("tiny", None)


def edited(folder: Path, to: Path, file: str, change: Callable[[Any], None]) -> Path:
    """A copy of `folder` in which `change` was applied to a JSON file."""
    shutil.copytree(folder, to)
    content = json.loads((to / file).read_text())
    change(content)
    (to / file).write_text(json.dumps(content))
    return to


def test_what_only_looks_different_is_the_same_model(tiny_folder: Path, tmp_path: Path, ref: BaseModelRef) -> None:
    """An old config.json, with what the hub's have beside the settings; a saved copy; and a GGUF."""

    def as_of_old(config: dict[str, Any]) -> None:
        for name in ("head_dim", "mlp_bias", "rope_parameters", "dtype", "pad_token_id"):
            del config[name]
        more = {"rope_scaling": None, "rope_theta": 10_000, "torch_dtype": "bfloat16", "transformers_version": "4.42.3"}
        junk = {"is_llama_config": True, "rope_interleaved": False, "transformers.js_config": {"dtype": "q4"}}
        changed = {"bos_token_id": 7, "use_cache": False, "initializer_range": 0.5, "_name_or_path": "/home/somebody"}
        config.update({**more, **junk, **changed})

    check_model(ref, edited(tiny_folder, tmp_path / "old", "config.json", as_of_old))
    load_base(tiny_folder, FP32, "cpu").save_pretrained(tmp_path / "saved", max_shard_size="100KB")
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tiny_folder / file, tmp_path / "saved")
    check_model(ref, tmp_path / "saved")
    folder = locate(str(write_gguf(tiny_folder, tmp_path / "tiny.gguf")), cache=tmp_path / "cache")
    check_model(ref, folder)
    check_model(identity_of(folder).named("tiny", None), tiny_folder)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rms_norm_eps": 1e-5}, r"rms_norm_eps is 1e-06 in the spec's model, 1e-05 in this one"),
        ({"rope_parameters": {"rope_type": "default", "rope_theta": 5e5}}, r"rope_theta is 10000 .*, 500000 in"),
        ({"rope_parameters": LLAMA3}, r"rope_parameters\.factor is not set in the spec's model, 8 in this one"),
        ({"hidden_act": "gelu"}, r"hidden_act is silu .*, gelu in this one"),
        ({"attention_dropout": 0.1}, r"attention_dropout is 0 .*, 0\.1 in this one"),
        ({"max_position_embeddings": 128}, r"max_position_embeddings is 256 "),
        # no setting that Llama's config declares, but its masks read it
        ({"sliding_window": 8}, r"sliding_window is not set .*, 8 in this one"),
    ],
)
def test_another_computation_on_the_same_weights(
    tiny_folder: Path, tmp_path: Path, ref: BaseModelRef, changes: dict[str, Any], says: str
) -> None:
    other = edited(tiny_folder, tmp_path / "other", "config.json", lambda config: config.update(changes))
    assert weights_digest(other) == ref.digest
    with pytest.raises(BaseModelMismatch, match=says):
        check_model(ref, other)


def of_single_letters(content: Any) -> None:
    content["model"]["merges"] = content["model"]["merges"][:5]


def with_two_tokens_swapped(content: Any) -> None:
    vocabulary = content["model"]["vocab"]
    vocabulary["a"], vocabulary["b"] = vocabulary["b"], vocabulary["a"]


def with_a_space_before_all(content: Any) -> None:
    content["pre_tokenizer"]["add_prefix_space"] = True


def with_one_more(content: Any) -> None:
    content["added_tokens"].append({**content["added_tokens"][0], "id": 384, "content": "<|more|>"})


def with_a_beginning(content: Any) -> None:
    end, text = {"id": "<|end|>", "type_id": 0}, {"id": "A", "type_id": 0}
    content["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": end}, {"Sequence": text}],
        "pair": [{"Sequence": text}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<|end|>": {"id": "<|end|>", "ids": [0], "tokens": ["<|end|>"]}},
    }


@pytest.mark.parametrize(
    ("change", "config", "says"),
    [
        (of_single_letters, {}, r"tokenizer makes \d+ tokens of 'The quick brown .*, this one \d+: from the \d+th on"),
        (with_two_tokens_swapped, {}, r"other tokens under the same 384 ids"),
        (with_a_space_before_all, {}, r"of 'The quick brown"),
        (with_one_more, {}, r"the spec's tokenizer has 384 tokens, this one 385"),
        (with_a_beginning, {"bos_token": "<|end|>"}, r"begins a text with tokens \[\], this one with \[0\]"),
        (lambda _: None, {"eos_token": "!"}, r"ends a text with token 0, this one with 1"),
    ],
)
def test_another_tokenizer(
    tiny_folder: Path, tmp_path: Path, change: Callable[[Any], None], config: dict[str, Any], says: str
) -> None:
    """Nothing else sees it: weights and config are the same. `run`, and `data check`, which opens no weights."""
    other = edited(tiny_folder, tmp_path / "other", "tokenizer.json", change)
    settings = json.loads((other / "tokenizer_config.json").read_text())
    (other / "tokenizer_config.json").write_text(json.dumps({**settings, **config}))
    spec, _ = tiny_spec(tiny_folder, "fp32")
    with pytest.raises(BaseModelMismatch, match=says):
        AdapterModel.load(spec, str(other), "cpu", 1)
    settings: Any = SimpleNamespace(source=str(other))
    with pytest.raises(BaseModelMismatch, match=says):
        load_encoder(settings, spec)


def test_a_head_of_another_width_that_no_class_declares(tmp_path: Path) -> None:
    """Qwen2's attention reads `head_dim` all the same."""
    folder = build_family(tmp_path / "qwen2", "qwen2")
    ref = identity_of(folder).named("qwen2", None)
    other = edited(folder, tmp_path / "other", "config.json", lambda config: config.update(head_dim=16))
    with pytest.raises(BaseModelMismatch, match="head_dim is not set in the spec's model, 16 in this one"):
        check_model(ref, other)


def test_a_spec_from_before_a_setting_was_there(tiny_folder: Path, tmp_path: Path, ref: BaseModelRef) -> None:
    """Its model was computed as the default says now; a setting that nobody here knows is a difference."""
    before = {name: value for name, value in ref.config.items() if name != "mlp_bias"}
    check_model(ref.model_copy(update={"config": before}), tiny_folder)
    before.pop("rms_norm_eps")
    other = edited(tiny_folder, tmp_path / "other", "config.json", lambda config: config.update(rms_norm_eps=0.5))
    with pytest.raises(BaseModelMismatch, match=r"rms_norm_eps is not set in the spec's model, 0\.5 in this one"):
        check_model(ref.model_copy(update={"config": before}), other)
    with pytest.raises(BaseModelMismatch, match="gate is new in the spec's model, not set in this one"):
        check_model(ref.model_copy(update={"config": {**ref.config, "gate": "new"}}), tiny_folder)


def test_the_texts_of_the_federation_are_pinned_too(tiny_folder: Path) -> None:
    identity = identity_of(tiny_folder, ["Thing: ", "", " red"])
    assert [probe.text for probe in identity.tokenizer.texts][-2:] == ["Thing: ", " red"]
    spec, _ = tiny_spec(tiny_folder, "fp32")
    assert load_spec(dump_spec(spec)) == spec and "/" not in json.dumps(spec.base_model.config)


def test_a_ggufs_rotary_scaling_is_read(tiny_folder: Path, tmp_path: Path) -> None:
    """transformers passes over llama.cpp's `rope_freqs.weight`; without it the loss was 5.62 instead of 5.35."""
    folder = edited(
        tiny_folder, tmp_path / "llama3", "config.json", lambda config: config.update(rope_parameters=LLAMA3)
    )
    converted = locate(str(write_gguf(folder, tmp_path / "llama3.gguf")), cache=tmp_path / "cache")
    check_model(identity_of(folder).named("llama3", None), converted)
    ids = torch.randint(0, 384, (1, 100), generator=torch.Generator().manual_seed(0))
    plain, ours, theirs = (load_base(f, FP32, "cpu")(ids).logits for f in (tiny_folder, folder, converted))
    torch.testing.assert_close(ours, theirs)
    assert (plain - ours).abs().max() > 0.1


@pytest.mark.parametrize(("head_dim", "factor", "context"), [(128, 8.0, 8192), (64, 32.0, 8192), (128, 16.0, 4096)])
def test_llama_3s_own_scaling_is_read_to_the_digit(head_dim: int, factor: float, context: int) -> None:
    from transformers import LlamaConfig

    scaling = {**LLAMA3, "factor": factor, "original_max_position_embeddings": context}
    plain = {"rope_type": "default", "rope_theta": 500_000.0}
    config = LlamaConfig(hidden_size=2048, num_attention_heads=2048 // head_dim, rope_parameters=plain)
    divisors = SimpleNamespace(name="rope_freqs.weight", data=llama3_divisors(head_dim, **scaling))
    named = {"general.architecture": SimpleNamespace(contents=lambda: "llama")}
    carry_rope(SimpleNamespace(tensors=[divisors], get_field=named.get), config)  # type: ignore[arg-type]
    assert config.rope_parameters == scaling


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (
            lambda writer: writer.add_rope_scaling_type(gguf.RopeScalingType.YARN),
            r"rotary frequencies \(yarn",
        ),
        (lambda writer: writer.add_float32("llama.rope.scale_linear", 4.0), r"scales its rotary frequencies \(linear"),
        (lambda writer: writer.add_tensor("rope_factors_long.weight", np.full(16, 2, np.float32)), "rope_factors_long"),
        (lambda writer: writer.add_tensor("rope_freqs.weight", np.full(16, 2, np.float32)), "cannot be read off"),
        (
            lambda writer: writer.add_tensor("rope_freqs.weight", np.linspace(1, 8, 16, dtype=np.float32)),
            "not as Llama 3 does",
        ),
    ],
)
def test_a_gguf_whose_scaling_would_be_lost_is_refused(tiny_folder: Path, tmp_path: Path, more: Any, says: str) -> None:
    path = write_gguf(tiny_folder, tmp_path / "tiny.gguf", more)
    with pytest.raises(BaseModelError, match=f"{says}.*give the folder"):
        locate(str(path), cache=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_results_of_another_computation_are_stale(tiny_folder: Path, tmp_path: Path) -> None:
    """An experiment's, whose key has the model; the demo's was one file from the first result on."""
    other = edited(tiny_folder, tmp_path / "other", "config.json", lambda config: config.update(rms_norm_eps=1e-5))
    ours, texts, theirs = identity_of(tiny_folder), identity_of(tiny_folder, ["Thing: "]), identity_of(other)
    base = Base("tiny", str(tiny_folder))
    assert base.key(ours) == base.key(texts.named("tiny", None)) != base.key(theirs)
    assert Base("demo", str(tiny_folder), is_demo=True).key(ours) == ours.digest
