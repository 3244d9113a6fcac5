"""Exported GGUF files, read back by the gguf package and by transformers. `make exports` asks llama.cpp itself."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gguf
import jinja2
import numpy as np
import pytest
from fednode.base_model import convert_gguf, identity_of, weights_digest
from fednode.global_model.errors import ExportError
from fednode.global_model.factors import factors_of
from fednode.global_model.gguf_adapter import export_gguf_adapter
from fednode.global_model.gguf_model import export_gguf_model
from fednode.global_model.gguf_tokens import chat_template, write_tokens
from fednode.global_model.merged_folder import export_merged
from fednode.global_model.modelfile import modelfile
from fednode.global_model.provenance import Provenance
from fedprotocol.spec import Prompt, Spec
from numpy.typing import NDArray
from safetensors.numpy import load_file
from support.tiny_families import FAMILIES, build_family
from support.tiny_spec import LORA, tiny_spec
from support.tokenizer_kinds import KINDS, SPLITS, split_as

pytestmark = pytest.mark.model

PROVENANCE = Provenance(round=3, root=b"\1" * 32, spec_digest=b"\2" * 32, chain_id=31337, contract="0x" + "ab" * 20)
Q_TO_DOWN = LORA.model_copy(update={"target_modules": ("q_proj", "k_proj", "v_proj", "o_proj", "down_proj")})


def random_units(spec: Spec) -> NDArray[np.int32]:
    return np.random.default_rng(0).integers(-(2**21), 2**21, spec.layout.value_count, dtype=np.int32)


def field(content: Any, name: str) -> Any:
    found = content.get_field(name)
    assert found is not None, name
    return found.contents()


def rows_as_transformers_has_them(value: NDArray[Any], heads: int) -> NDArray[Any]:
    """llama.cpp has value 0 of a head, value half, value 1, value half + 1, and so on."""
    half = len(value) // heads // 2
    order = [head * 2 * half + 2 * (i % half) + i // half for head in range(heads) for i in range(2 * half)]
    return value[order]


def test_the_adapter_is_the_products_of_the_factors_to_the_bit(tiny_folder: Path, tmp_path: Path) -> None:
    spec, _ = tiny_spec(tiny_folder, lora=Q_TO_DOWN)
    units = random_units(spec)
    export_gguf_adapter(spec, units, PROVENANCE, tiny_folder, tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"adapter.gguf", "Modelfile", "README.md"}

    content = gguf.GGUFReader(tmp_path / "out" / "adapter.gguf")
    told = {name: field(content, name) for name in ("general.type", "general.architecture", "adapter.type")}
    assert told == {"general.type": "adapter", "general.architecture": "llama", "adapter.type": "lora"}
    assert field(content, "adapter.lora.alpha") == 16.0
    found = {tensor.name: tensor.data for tensor in content.tensors}
    factors = factors_of(spec, units)
    names = {"q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output"}
    assert len(found) == 2 * len(factors) == 20
    for layer, pair in factors.items():
        _, _, number, _, module = layer.split(".")
        name = f"blk.{number}.{names.get(module, 'ffn_down')}.weight"
        a, b = found[f"{name}.lora_a"], found[f"{name}.lora_b"]
        assert a.dtype == b.dtype == np.float32
        assert (a.shape, b.shape) == (pair.a.shape, pair.b.shape)
        if module in ("q_proj", "k_proj"):
            assert not np.array_equal(b, pair.b)
            b = rows_as_transformers_has_them(b, 2 if module == "q_proj" else 1)
        exact = pair.b.astype(np.float64) @ pair.a.astype(np.float64)  # 42 bits of 53
        np.testing.assert_array_equal(b.astype(np.float64) @ a.astype(np.float64), exact)


@pytest.mark.parametrize("family", ["llama", "llama3", "qwen2"])
def test_transformers_reads_the_merged_model_back(family: str, tiny_folder: Path, tmp_path: Path) -> None:
    """Its weights, settings and tokens are those of the merged folder."""
    base = tmp_path / "base"
    if family.startswith("llama"):
        shutil.copytree(tiny_folder, base)
    else:
        build_family(base, family)
    if family == "llama3":
        config = json.loads((base / "config.json").read_text())
        scaling = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
        config["rope_parameters"] |= {"rope_type": "llama3", "original_max_position_embeddings": 64, **scaling}
        (base / "config.json").write_text(json.dumps(config))
    spec, _ = tiny_spec(base, lora=Q_TO_DOWN)
    units, steps = random_units(spec), list[tuple[int, int]]()
    export_merged(spec, units, PROVENANCE, base, tmp_path / "folder")
    export_gguf_model(spec, units, PROVENANCE, base, tmp_path / "gguf", None, lambda *step: steps.append(step))
    assert steps[-1] == (len(steps), len(steps))
    convert_gguf(tmp_path / "gguf" / "model.gguf", tmp_path / "again")
    assert weights_digest(tmp_path / "again") == weights_digest(tmp_path / "folder") != spec.base_model.digest
    if family.startswith("llama"):
        ours, theirs = identity_of(tmp_path / "again"), identity_of(base)
        assert ours.tokenizer == theirs.tokenizer
        assert ours.config == theirs.config


def test_qwen3s_heads_are_wider_than_its_hidden_size_allows(tmp_path: Path) -> None:
    """transformers ignores their width in a GGUF."""
    base = build_family(tmp_path / "base", "qwen3")
    spec, _ = tiny_spec(base, lora=Q_TO_DOWN)
    units = random_units(spec)
    export_merged(spec, units, PROVENANCE, base, tmp_path / "folder")
    export_gguf_model(spec, units, PROVENANCE, base, tmp_path / "gguf")
    content = gguf.GGUFReader(tmp_path / "gguf" / "model.gguf")
    for name in ("attention.key_length", "attention.value_length", "rope.dimension_count"):
        assert field(content, f"qwen3.{name}") == 48
    held = load_file(tmp_path / "folder" / "model.safetensors")
    assert len(content.tensors) == len(held)
    found = {tensor.name: tensor.data for tensor in content.tensors}
    for ours, theirs in (("blk.1.attn_k", "self_attn.k_proj"), ("blk.1.attn_q_norm", "self_attn.q_norm")):
        np.testing.assert_array_equal(found[f"{ours}.weight"], held[f"model.layers.1.{theirs}.weight"])


@pytest.mark.parametrize(("dtype", "error"), [("fp16", 2**-11), ("bf16", 2**-8), ("q8_0", 1 / 200)])
def test_narrower_types(dtype: str, error: float, tiny_folder: Path, tmp_path: Path) -> None:
    spec, _ = tiny_spec(tiny_folder)
    units = random_units(spec)
    for name in ("fp32", dtype):
        export_gguf_model(spec, units, PROVENANCE, tiny_folder, tmp_path / name, name)
    wide, narrow = (gguf.GGUFReader(tmp_path / name / "model.gguf") for name in ("fp32", dtype))
    for full, small in zip(wide.tensors, narrow.tensors, strict=True):
        assert full.name == small.name
        vector = len(full.shape) == 1
        assert (small.tensor_type is gguf.GGMLQuantizationType.F32) == vector
        value = gguf.dequantize(small.data, small.tensor_type)
        largest = np.abs(full.data).max() if dtype == "q8_0" else np.abs(full.data)
        assert (np.abs(value - full.data) <= error * largest + 1e-7).all()
    assert field(narrow, "general.file_type") == int(
        gguf.LlamaFileType[{"fp16": "MOSTLY_F16", "bf16": "MOSTLY_BF16", "q8_0": "MOSTLY_Q8_0"}[dtype]]
    )


def test_what_cannot_be_written_names_the_converter_that_can(tiny_folder: Path, tmp_path: Path) -> None:
    phi = build_family(tmp_path / "phi", "phi")
    spec, adapter = tiny_spec(phi, lora=LORA.model_copy(update={"target_modules": FAMILIES["phi"].targets}))
    with pytest.raises(ExportError, match=r"not phi; .*--merged alone, .*convert_hf_to_gguf\.py"):
        export_gguf_model(spec, adapter.units, PROVENANCE, phi, tmp_path / "out")
    with pytest.raises(ExportError, match=r"not phi; .*without --gguf, .*convert_lora_to_gguf\.py"):
        export_gguf_adapter(spec, adapter.units, PROVENANCE, phi, tmp_path / "out")
    base = tmp_path / "base"
    shutil.copytree(tiny_folder, base)
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps({**config, "hidden_act": "gelu"}))
    spec, adapter = tiny_spec(base)
    with pytest.raises(ExportError, match=r"silu, and it has gelu; .*convert_hf_to_gguf\.py"):
        export_gguf_model(spec, adapter.units, PROVENANCE, base, tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"phi", "base"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_tokenizer_is_written_as_what_it_is_or_refused(kind: str, tmp_path: Path) -> None:
    tokenizer, prompt = KINDS[kind](), Prompt(template="{prompt}:")
    writer = gguf.GGUFWriter(tmp_path / "tokens.gguf", "llama")
    written = {"byte-level": "gpt2", "llama2": "llama"}
    if kind not in written:
        with pytest.raises(ExportError, match="; do something else"):
            write_tokens(writer, tokenizer, prompt, len(tokenizer), "do something else")
        return
    write_tokens(writer, tokenizer, prompt, len(tokenizer) + 2, "")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    content = gguf.GGUFReader(tmp_path / "tokens.gguf")
    tokens, types = (field(content, f"tokenizer.ggml.{name}") for name in ("tokens", "token_type"))
    assert field(content, "tokenizer.ggml.model") == written[kind]
    assert tokens[:-2] == tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    assert types[-2:] == [gguf.TokenType.UNUSED] * 2
    assert types[tokenizer.eos_token_id] == gguf.TokenType.CONTROL
    assert field(content, "tokenizer.ggml.eos_token_id") == tokenizer.eos_token_id
    assert field(content, "tokenizer.ggml.add_bos_token") == (kind == "llama2")
    if kind == "llama2":
        scores = dict(zip(tokens, field(content, "tokenizer.ggml.scores"), strict=True))
        assert scores["▁r"] > scores["▁re"] > scores["▁red"] > scores["r"]
        assert types[tokens.index("<0x0A>")] == gguf.TokenType.BYTE
        assert types[tokenizer.unk_token_id] == gguf.TokenType.UNKNOWN
        assert field(content, "tokenizer.ggml.add_space_prefix")


@pytest.mark.parametrize("name", SPLITS)
def test_how_a_text_is_split_has_the_name_that_llama_cpp_gives_it(name: str, tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(tmp_path / "tokens.gguf", "llama")
    write_tokens(writer, split_as(name), Prompt(template="{prompt}:"), 448, "")
    assert writer.kv_data[0]["tokenizer.ggml.pre"].value == name


TOKENIZER = SimpleNamespace(eos_token="<|end|>")
PROMPTS = (
    Prompt(template="Thing: {prompt}\nColour:"),
    Prompt(template="{prompt}"),
    Prompt(template='<|im_start|>user\n{prompt}\\n"""{{ .Prompt }}" %}', join="\n "),
)


@pytest.mark.parametrize("prompt", PROMPTS, ids=["simple", "nothing around", "rude"])
def test_templates_say_what_the_spec_says(prompt: Prompt, tiny_folder: Path) -> None:
    expected = prompt.template.replace("{prompt}", "a rose") + (prompt.join or "").removesuffix(" ")
    jinja = jinja2.Environment(keep_trailing_newline=True, autoescape=False)  # noqa: S701 - no HTML
    chat = jinja.from_string(chat_template(prompt))
    spoken = " a rose " if prompt.join is not None else "a rose"
    assert chat.render(messages=[{"content": "before"}, {"content": spoken}]) == expected

    spec = tiny_spec(tiny_folder)[0].model_copy(update={"prompt": prompt})
    text = modelfile(spec, TOKENIZER, "base.gguf", "adapter.gguf")
    head, template, tail = text.split('"""')
    assert head.splitlines()[-3:-1] == ["FROM ./base.gguf", "ADAPTER ./adapter.gguf"]
    assert tail.split("\n")[1:-1] == [
        "PARAMETER temperature 0",
        "PARAMETER repeat_penalty 1",
        'PARAMETER stop "<|end|>"',
    ]
    assert as_go_would(template, "a rose") == expected
    assert "ADAPTER" not in modelfile(spec, TOKENIZER, "model.gguf")


def as_go_would(template: str, prompt: str) -> str:
    """The actions of Go's templates that are used: a string, and .Prompt."""
    result, rest = "", template
    while "{{ " in rest:
        text, _, rest = rest.partition("{{ ")
        result += text
        if rest.startswith(".Prompt"):
            result, rest = result + prompt, rest.removeprefix(".Prompt")
        else:
            said, end = json.JSONDecoder().raw_decode(rest)
            result, rest = result + said, rest[end:]
        assert rest.startswith(" }}")
        rest = rest[3:]
    return result + rest
