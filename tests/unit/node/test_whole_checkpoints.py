"""A model is loaded whole, in the shapes of its config, or not at all: nothing of it is made up."""

from __future__ import annotations

import ast
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import fednode
import gguf
import pytest
import torch
from fednode.base_model import BaseModelError, load_base, locate
from fednode.training import AdapterModel
from fedprotocol.spec import Quantization
from safetensors.torch import load_file, save_file
from support.tiny_gguf import write_gguf
from support.tiny_spec import tiny_spec

pytestmark = pytest.mark.model

Tensors = dict[str, torch.Tensor]
UP = "model.layers.1.mlp.up_proj.weight"


@pytest.fixture
def changed(tiny_folder: Path, tmp_path: Path) -> Callable[..., Path]:
    """The tiny model with other tensors or settings, which are not whole any more."""

    def change(tensors: Callable[[Tensors], object] = lambda _: None, **config: object) -> Path:
        folder = Path(shutil.copytree(tiny_folder, tmp_path / "changed"))
        weights = load_file(tiny_folder / "model.safetensors")
        tensors(weights)
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | config))
        return folder

    return change


@pytest.mark.parametrize("kind", ["nf4", "bf16", "fp32"])
def test_a_head_that_nothing_ties_is_not_made_up(changed: Callable[..., Path], kind: str) -> None:
    folder = changed(tie_word_embeddings=False)
    quantization = Quantization.model_validate({"kind": kind, "double_quant": True, "compute_dtype": "bf16"})
    with pytest.raises(BaseModelError, match=r"the weights lack lm_head\.weight, and nothing ties"):
        load_base(folder, quantization, "cpu")


def test_what_nodes_load_is_refused_by_name(changed: Callable[..., Path]) -> None:
    """As `run`, `evaluate`, `generate` and doctor load it, with the spec of this very checkpoint."""
    folder = changed(lambda weights: [weights.pop(name) for name in list(weights) if ".mlp." in name])
    spec, _ = tiny_spec(folder)
    said = r"the weights lack model\.layers\.0\.mlp\.down_proj\.weight, .* and 3 more"
    with pytest.raises(BaseModelError, match=said):
        AdapterModel.load(spec, None, "cpu", 1)


@pytest.mark.parametrize(
    ("tensors", "says"),
    [
        (lambda w: w.pop(UP), f"the weights lack {UP}, "),
        (lambda w: w.update({UP: w[UP][:, :32].clone()}), f"{UP} is 128x32 in the files and 128x64 by the config"),
        (lambda w: w.update({"model.norm.weight": torch.ones(65)}), "model.norm.weight is 65 in the files and 64 by"),
        (lambda w: w.update({"model.layers.0.self_attn.q_proj.bias": torch.ones(64)}), "no place for .*q_proj.bias"),
        (lambda w: w.update({"model.layers.2.mlp.up_proj.weight": w[UP].clone()}), "no place for model.layers.2.mlp"),
        (lambda w: w.update({"score.weight": torch.ones(4, 64)}), "no place for score.weight"),
    ],
)
@pytest.mark.parametrize("kind", ["nf4", "fp32"])
def test_tensors_and_config_of_different_models(
    changed: Callable[..., Path], kind: str, tensors: Callable[[Tensors], object], says: str
) -> None:
    quantization = Quantization.model_validate({"kind": kind, "double_quant": True, "compute_dtype": "fp32"})
    with pytest.raises(BaseModelError, match=says):
        load_base(changed(tensors), quantization, "cpu")


class Part(gguf.GGUFWriter):
    """One of two parts of a GGUF, as llama-gguf-split writes them: each with half of the tensors."""

    part = 0
    named = True

    def __init__(self, path: Path, architecture: str) -> None:
        super().__init__(path, architecture)
        self.seen = 0
        if self.named:
            self.add_uint16("split.no", self.part)
            self.add_uint16("split.count", 2)

    def add_tensor(self, name: str, tensor: object, *rest: object, **more: object) -> None:
        self.seen += 1
        if (self.seen > 12) == bool(self.part):
            super().add_tensor(name, tensor, *rest, **more)


@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize(("named", "says"), [(True, "one of 2 parts of a GGUF; join"), (False, "weights lack ")])
def test_one_part_of_a_gguf(
    tiny_folder: Path, tmp_path: Path, part: int, named: bool, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Part, "part", part)
    monkeypatch.setattr(Part, "named", named)
    monkeypatch.setattr(gguf, "GGUFWriter", Part)
    with pytest.raises(BaseModelError, match=says):
        locate(str(write_gguf(tiny_folder, tmp_path / "part.gguf")), cache=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_gguf_that_does_not_say_its_shape(tmp_path: Path) -> None:
    """For which transformers takes seven billion weights: 28 GB of random numbers."""
    writer = gguf.GGUFWriter(tmp_path / "bare.gguf", "llama")
    writer.add_tensor("output_norm.weight", torch.ones(64).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(BaseModelError, match="does not say its model's block_count and embedding_length"):
        locate(str(tmp_path / "bare.gguf"), cache=tmp_path / "cache")


def test_every_loading_of_weights_asks_for_the_report() -> None:
    """Whatever else is to load weights one day."""
    loaded = []
    for path in Path(fednode.__file__).parent.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
                continue
            if call.func.attr == "from_pretrained" and "Model" in ast.unparse(call.func.value):
                loaded.append(path.name)
                keywords = {word.arg: ast.unparse(word.value) for word in call.keywords}
                assert keywords.get("output_loading_info") == "True", path
    assert sorted(loaded) == ["gguf.py", "load.py"]
