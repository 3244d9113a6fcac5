"""The exported folder, loaded by peft itself."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fednode.data import load_data
from fednode.global_model.errors import ExportError
from fednode.global_model.export import export_adapter
from fednode.global_model.provenance import Provenance
from fednode.training import AdapterModel
from fedprotocol import tree
from fedprotocol.numbers import NumbersError, quantize_global
from fedprotocol.printable import printable
from huggingface_hub import ModelCard
from peft import PeftModel
from safetensors.numpy import load_file
from support.tiny_model import colour_rows, write_jsonl
from support.tiny_spec import tiny_spec
from transformers import AutoModelForCausalLM

pytestmark = pytest.mark.model

PROVENANCE = Provenance(round=3, root=b"\1" * 32, spec_digest=b"\2" * 32, chain_id=31337, contract="0x" + "ab" * 20)


def test_peft_loads_it_and_gives_the_same_logits(tiny_folder: Path, tmp_path: Path) -> None:
    spec, adapter = tiny_spec(tiny_folder, "fp32", steps=4)
    model = AdapterModel.load(spec, None, "cpu", 1)
    model.set_global(adapter.units)
    model.train(spec, load_data(write_jsonl(tmp_path / "d.jsonl", colour_rows(60))), 1, seed=0)
    units = quantize_global(model.values())
    model.set_global(units)

    export_adapter(spec, units, PROVENANCE, tmp_path / "out" / "adapter")
    folder = tmp_path / "out" / "adapter"
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    assert [path.name for path in folder.parent.iterdir()] == ["adapter"]

    base = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32)
    ids = torch.tensor([model.encoder.prompt("a small rose")[0]])
    with torch.no_grad():
        plain = base(ids).logits
        theirs = PeftModel.from_pretrained(base, folder).eval()(ids).logits
        ours = model._model.eval()(input_ids=ids).logits
    torch.testing.assert_close(theirs, ours)
    assert (theirs - plain).abs().max() > 0.1


def test_values_and_shapes_are_those_of_the_layout(tiny_folder: Path, tmp_path: Path) -> None:
    spec, _ = tiny_spec(tiny_folder)
    units = np.arange(spec.layout.value_count, dtype=np.int32) - 1000
    export_adapter(spec, units, PROVENANCE, tmp_path / "a")
    stored = load_file(tmp_path / "a" / "adapter_model.safetensors")
    assert {name: value.shape for name, value in stored.items()} == {t.name: t.shape for t in spec.layout.tensors}
    flat = np.concatenate([stored[tensor.name].ravel() for tensor in spec.layout.tensors])
    np.testing.assert_array_equal(flat.astype(np.float64) * 2**24, units)


def test_the_card_says_where_it_is_from(tiny_folder: Path, tmp_path: Path) -> None:
    spec, adapter = tiny_spec(tiny_folder)
    spec = spec.model_copy(update={"base_model": spec.base_model.model_copy(update={"id": "org/model"})})
    export_adapter(spec, adapter.units, PROVENANCE, tmp_path / "a")
    card = ModelCard.load(tmp_path / "a" / "README.md")
    assert (card.data.base_model, card.data.library_name) == ("org/model", "peft")
    for fact in (tree.cid(PROVENANCE.root), tree.raw_cid(PROVENANCE.spec_digest), spec.base_model.digest, "round 3"):
        assert fact in card.text
    config = json.loads((tmp_path / "a" / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["r"], config["lora_alpha"]) == ("org/model", 8, 16)
    assert str(tmp_path) not in (tmp_path / "a" / "README.md").read_text()


def test_a_spec_cannot_write_the_card(tiny_folder: Path, tmp_path: Path) -> None:
    """Only a class and the template may hold control characters; all may hold Markdown, YAML and Python."""
    spec, adapter = tiny_spec(tiny_folder)
    base = spec.base_model.model_copy(update={"id": "a/b\"'): # | `c`", "revision": "``x|y"})
    template = "```\n\x1b[2J<script>\n{prompt}\n"
    changes = {
        "name": "[x](http://y) <b>|`",
        "base_model": base,
        "prompt": spec.prompt.model_copy(update={"template": template}),
    }
    export_adapter(spec.model_copy(update=changes), adapter.units, PROVENANCE, tmp_path / "a")
    text = (tmp_path / "a" / "README.md").read_text()
    assert printable(text.replace("\n", "")) == text.replace("\n", "")
    assert ModelCard.load(tmp_path / "a" / "README.md").data.base_model == base.id
    assert "# \\[x\\](http://y) &lt;b\\>\\|\\`, round 3" in text
    assert "````\n```\n\\x1b[2J<script>\n{prompt}\n\n````\n" in text
    [call] = re.findall(r"AutoModelForCausalLM\.from_pretrained\((.*)\), \"path", text)
    assert ast.literal_eval(call) == base.id


@pytest.mark.parametrize("wrong", [np.zeros(5, np.int32), np.zeros(6656, np.int64), np.zeros((6656, 1), np.int32)])
def test_another_vector_is_refused(tiny_folder: Path, tmp_path: Path, wrong: Any) -> None:
    spec, _ = tiny_spec(tiny_folder)
    assert spec.layout.value_count == 6656
    with pytest.raises(NumbersError):
        export_adapter(spec, wrong, PROVENANCE, tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_nothing_is_overwritten(tiny_folder: Path, tmp_path: Path) -> None:
    spec, adapter = tiny_spec(tiny_folder)
    (tmp_path / "a").mkdir()
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "a", tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ExportError, match="choose another folder"):
            export_adapter(spec, adapter.units, replace(PROVENANCE, round=4), out)
    assert (tmp_path / "file").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "file"]
