"""A CPU without bfloat16 computes in float32, on the same weights; what the machine under test has does not matter."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch
from fednode.base_model import arithmetic, load_base
from fedprotocol.spec import Quantization
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

pytestmark = pytest.mark.model


@pytest.fixture
def unrounded(tiny_folder: Path, tmp_path: Path) -> Path:
    """The tiny model with float32 weights that bfloat16 cannot hold."""
    for file in tiny_folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    generator = torch.Generator().manual_seed(3)
    weights = load_file(tmp_path / "model.safetensors")
    for name, tensor in weights.items():
        weights[name] = tensor + 1e-3 * torch.randn(tensor.shape, generator=generator)
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    return tmp_path


def loaded(folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch, native: bool) -> PreTrainedModel:
    monkeypatch.setattr(arithmetic, "computes_bfloat16", lambda _: native)
    spec = Quantization.model_validate({"kind": kind, "double_quant": True, "compute_dtype": "bf16"})
    return load_base(folder, spec, "cpu")


@pytest.mark.parametrize("kind", ["nf4", "bf16"])
def test_the_weights_are_the_same_and_the_logits_close(
    unrounded: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = loaded(unrounded, kind, monkeypatch, native=True)
    wide = loaded(unrounded, kind, monkeypatch, native=False)
    for (name, one), (_, other) in zip(narrow.named_parameters(), wide.named_parameters(), strict=True):
        assert torch.equal(one.float(), other.float()), name
    floats = {p.dtype for p in wide.parameters() if p.is_floating_point()}
    assert floats == {torch.float32}
    assert torch.bfloat16 in {p.dtype for p in narrow.parameters()}
    ids = torch.arange(40)[None] % 30
    one, other = narrow(ids).logits.float(), wide(ids).logits
    assert other.dtype == torch.float32
    assert 0 < (one - other).abs().max() < 0.05 * other.abs().max()


def multiplications(*dtypes: torch.dtype) -> list[float]:
    """For each type, the processor's seconds of one product of the sizes that a small model has: the fewest of many,
    the types in turn, because other programs may be at work."""
    sizes = [(torch.ones(224, 576, dtype=dtype), torch.ones(1536, 576, dtype=dtype)) for dtype in dtypes]
    seconds: list[list[float]] = [[] for _ in dtypes]
    for _ in range(60):
        for (rows, weights), found in zip(sizes, seconds, strict=True):
            begun = time.process_time()
            torch.nn.functional.linear(rows, weights)
            found.append(time.process_time() - begun)
    return [min(found) for found in seconds]


def test_bfloat16_is_chosen_only_where_it_is_not_slower() -> None:
    chosen, float32 = multiplications(arithmetic.arithmetic(torch.bfloat16, "cpu"), torch.float32)
    assert chosen < 1.3 * float32


def test_a_gpu_and_a_float32_spec_are_taken_at_their_word(monkeypatch: pytest.MonkeyPatch) -> None:
    assert arithmetic.computes_bfloat16("cuda")
    monkeypatch.setattr(arithmetic, "computes_bfloat16", lambda _: False)
    assert arithmetic.arithmetic(torch.float32, "cpu") == torch.float32
    assert arithmetic.arithmetic(torch.bfloat16, "cpu") == torch.float32
