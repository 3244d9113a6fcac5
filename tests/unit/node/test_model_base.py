"""The base model: one digest for every copy of the same weights, and no other way in than safetensors."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest
import torch
from fednode.base_model import (
    BaseModelError,
    BaseModelMismatch,
    BaseModelMissing,
    DeviceMissing,
    load_base,
    load_tokenizer,
    locate,
    weights_digest,
)
from fednode.base_model.digest import tensors_digest
from fednode.base_model.load import tensor_files
from fednode.training import AdapterModel, LayoutMismatch, new_adapter
from fedprotocol.spec import Lora, Quantization
from safetensors.torch import load_file, save_file
from support.tiny_gguf import write_gguf
from support.tiny_model import build_tiny_model
from support.tiny_spec import tiny_spec

pytestmark = pytest.mark.model

FP32 = Quantization(kind="fp32", double_quant=False, compute_dtype="fp32")


def copied(folder: Path, to: Path) -> Path:
    return Path(shutil.copytree(folder, to))


def change(folder: Path, **config: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | config))


def test_copies_of_the_same_weights_are_the_same_model(tiny_folder: Path, tmp_path: Path) -> None:
    expected = weights_digest(tiny_folder)
    model = load_base(tiny_folder, FP32, "cpu")
    model.save_pretrained(tmp_path / "sharded", max_shard_size="100KB")
    assert len(list((tmp_path / "sharded").glob("*.safetensors"))) > 2
    assert weights_digest(tmp_path / "sharded") == expected

    untied = copied(tiny_folder, tmp_path / "head-stored-twice")
    weights = load_file(untied / "model.safetensors")
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"].clone()
    weights["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(16)
    save_file(weights, untied / "model.safetensors", metadata={"format": "pt"})
    assert weights_digest(untied) == expected

    weights["lm_head.weight"][3, 5] += 1  # which transformers then loads, tied or not
    save_file(weights, untied / "model.safetensors", metadata={"format": "pt"})
    assert not torch.equal(load_base(untied, FP32, "cpu").lm_head.weight, weights["model.embed_tokens.weight"])
    assert weights_digest(untied) != expected

    weights["lm_head.weight"] = weights["model.embed_tokens.weight"].clone()
    only_head = copied(tiny_folder, tmp_path / "head-only")
    del weights["model.embed_tokens.weight"]
    save_file(weights, only_head / "model.safetensors", metadata={"format": "pt"})
    assert weights_digest(only_head) == expected


def test_a_gguf_of_the_same_weights_is_the_same_model(tiny_folder: Path, tmp_path: Path) -> None:
    gguf = write_gguf(tiny_folder, tmp_path / "tiny.gguf")
    folder = locate(str(gguf), cache=tmp_path / "cache")
    assert weights_digest(folder) == weights_digest(tiny_folder)
    assert locate(str(gguf), cache=tmp_path / "cache") == folder
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [folder.name]
    text = "Thing: a small rose\nColour: red"
    ids = load_tokenizer(tiny_folder)(text)["input_ids"]
    assert load_tokenizer(folder)(text)["input_ids"] == ids
    ours, theirs = (load_base(f, FP32, "cpu")(torch.tensor([ids])).logits for f in (tiny_folder, folder))
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_the_width_of_storage_does_not_show(tiny_folder: Path, tmp_path: Path, dtype: torch.dtype) -> None:
    narrow, wide = copied(tiny_folder, tmp_path / "narrow"), copied(tiny_folder, tmp_path / "wide")
    weights = {name: value.to(dtype) for name, value in load_file(tiny_folder / "model.safetensors").items()}
    save_file(weights, narrow / "model.safetensors", metadata={"format": "pt"})
    widened = {name: value.float() for name, value in weights.items()}
    save_file(widened, wide / "model.safetensors", metadata={"format": "pt"})
    assert weights_digest(narrow) == weights_digest(wide) != weights_digest(tiny_folder)


def test_one_changed_bit_a_name_and_a_shape_show(tiny_folder: Path, tmp_path: Path) -> None:
    original = load_file(tiny_folder / "model.safetensors")
    name = "model.layers.1.mlp.up_proj.weight"
    flipped = original[name].clone()
    flipped.view(torch.int32)[127, 63] ^= 1
    variants = [
        {**original, name: flipped},
        {**original, name: original[name].t().contiguous()},
        {(key + "x" if key == name else key): value for key, value in original.items()},
    ]
    digests = {weights_digest(tiny_folder)}
    for index, weights in enumerate(variants):
        folder = copied(tiny_folder, tmp_path / str(index))
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        digests.add(weights_digest(folder))
    assert len(digests) == 1 + len(variants)


def test_large_tensors_are_hashed_in_parts(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = weights_digest(tiny_folder)
    monkeypatch.setattr("fednode.base_model.digest._CHUNK_BYTES", 1000)
    assert weights_digest(tiny_folder) == whole


def test_pickles_remote_code_and_quantised_weights_are_refused(tiny_folder: Path, tmp_path: Path) -> None:
    pickled = copied(tiny_folder, tmp_path / "pickled")
    torch.save(load_file(pickled / "model.safetensors"), pickled / "pytorch_model.bin")
    (pickled / "model.safetensors").unlink()
    with pytest.raises(BaseModelMissing, match="never pickles"):
        weights_digest(pickled)
    with pytest.raises(BaseModelMissing, match="never pickles"):
        load_base(pickled, FP32, "cpu")

    remote = copied(tiny_folder, tmp_path / "remote")
    trace = tmp_path / "ran"
    (remote / "evil.py").write_text(f"open({str(trace)!r}, 'w')\n")
    change(remote, model_type="evil", auto_map={"AutoConfig": "evil.C", "AutoModelForCausalLM": "evil.M"})
    with pytest.raises(BaseModelError, match="code of its own, which is never run"):
        weights_digest(remote)
    assert not trace.exists()

    quantised = copied(tiny_folder, tmp_path / "quantised")
    change(quantised, quantization_config={"quant_method": "bitsandbytes", "load_in_4bit": True})
    with pytest.raises(BaseModelError, match="quantised already"):
        weights_digest(quantised)


def test_broken_files(tiny_folder: Path, tmp_path: Path) -> None:
    cut = copied(tiny_folder, tmp_path / "cut")
    content = (cut / "model.safetensors").read_bytes()
    (cut / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(BaseModelError, match="cannot be read"):
        weights_digest(cut)
    (tmp_path / "not.gguf").write_bytes(b"GGUF" + b"\0" * 100)
    with pytest.raises(BaseModelError, match="cannot be converted"):
        locate(str(tmp_path / "not.gguf"), cache=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize(
    ("index", "says"),
    [
        (b"{}", "no weight_map"),
        (b"[]", "no weight_map"),
        (b'{"weight_map": "a"}', "no weight_map"),
        (b'{"weight_map": {"a": 3}}', "no weight_map"),
        (b'{"weight_map": {"a": []}}', "no weight_map"),
        (b"\xff", "no weight_map"),
        (b"[" * 100_000, "no weight_map"),
        (b'{"weight_map": {"a": "../tiny/model.safetensors"}}', "no file beside it"),
        (b'{"weight_map": {"a": "/dev/stdin"}}', "no file beside it"),
        (b'{"weight_map": {"a": "\\u0000"}}', "cannot be read"),
        (b'{"weight_map": {"a": "."}}', "no file beside it"),
        (b'{"weight_map": {"a": "gone.safetensors"}}', "cannot be read"),
    ],
)
def test_an_index_that_is_none(index: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.index.json").write_bytes(index)
    with pytest.raises(BaseModelError, match=says):
        tensor_files(tmp_path)


@pytest.mark.parametrize("shape", [[1 << 62, 0], [0] * 65, [1] * 70])
def test_shapes_that_no_model_has(shape: list[int], tmp_path: Path) -> None:
    """Nothing that is long to hash in parts, nothing with more dimensions than NumPy knows."""
    size = 4 * math.prod(shape)
    header = json.dumps({"a": {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}}).encode()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(size))
    assert tensors_digest(tensor_files(tmp_path), {}) != tensors_digest({}, {})


@pytest.mark.parametrize("source", ["/no/such/folder", "./none", "/no/such/model.gguf", "a/b/c", "no such id"])
def test_no_such_model(source: str) -> None:
    with pytest.raises(BaseModelMissing, match="source"):
        locate(source)


def test_another_model_than_the_specs_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    spec, _ = tiny_spec(tiny_folder)
    other = build_tiny_model(tmp_path / "other", seed=1)
    with pytest.raises(BaseModelMismatch, match=spec.base_model.digest):
        AdapterModel.load(spec, str(other), "cpu", 1)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_no_such_device(tiny_folder: Path) -> None:
    for device in ("cuda", "gpu"):
        with pytest.raises(DeviceMissing, match="cpu"):
            load_base(tiny_folder, FP32, device)


def test_target_modules_of_another_family(tiny_folder: Path) -> None:
    lora = Lora(r=4, alpha=8, dropout=0.0, target_modules=("q_proj", "c_attn"), factors="both")
    with pytest.raises(LayoutMismatch, match=r"no linear module c_attn; it has .*q_proj"):
        new_adapter(lora, str(tiny_folder), seed=0)
