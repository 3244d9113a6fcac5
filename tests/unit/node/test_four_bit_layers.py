"""4-bit layers hold what the files hold and compute with it, on whatever processor; damaged ones are never trained."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bitsandbytes as bnb
import pytest
import torch
from bitsandbytes.autograd._functions import MatMul4Bit
from bitsandbytes.functional import dequantize_4bit, quantize_4bit
from fednode.base_model import BaseModelError, load, load_base, load_skeleton
from fednode.base_model.dequantize import repair_dequantize, repaired
from fednode.base_model.four_bit_check import verify
from fednode.base_model.load import tensor_files
from fednode.base_model.nf4 import overshoot as overshoot_with
from fednode.base_model.nf4 import scales_of, stored_bytes
from fedprotocol.spec import Quantization
from safetensors.torch import load_file, save_file
from support.avx512 import kernel_of_avx512
from support.tiny_families import build_family
from transformers import PreTrainedModel

pytestmark = pytest.mark.model

NF4 = Quantization(kind="nf4", double_quant=True, compute_dtype="bf16")
ODD_ROWS = "model.layers.0.self_attn.o_proj.weight"  # of the Qwen3 shape: 64 x 96
BY_ROWS = {(64, 96), (64, 32), (5, 48)}  # what a kernel spoils that takes scales by row
SHAPES = sorted(BY_ROWS | {(128, 64), (5, 24), (3, 16), (6, 10), (7, 9), (1, 1)})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_family(tmp_path_factory.mktemp("qwen3"), "qwen3")


@pytest.fixture
def one(folder: Path) -> Iterator[tuple[PreTrainedModel, Callable[[], None]]]:
    """A loaded model, to damage, and what compares it with its files."""
    model = load_base(folder, NF4, "cpu")
    yield model, lambda: verify(model, load_skeleton(folder), tensor_files(folder))


def overshoot(weight: torch.Tensor, held: torch.Tensor, double_quant: bool) -> float:
    return overshoot_with(weight, held, scales_of(weight), double_quant)


def quantized(shape: tuple[int, int], double_quant: bool = True, dtype: Any = torch.float32) -> tuple[Any, Any, Any]:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(1)).to(dtype)
    return weight, *quantize_4bit(weight, quant_type="nf4", compress_statistics=double_quant)


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_of_any_length_come_apart_rightly(shape: tuple[int, int]) -> None:
    """Also where the kernel takes scales by row, which is right for whole blocks alone."""
    repair_dequantize()
    weight, packed, state = quantized(shape)
    right = dequantize_4bit(packed, state)
    assert right.shape == shape and overshoot(weight, right, double_quant=True) <= 1
    with kernel_of_avx512():
        wrong = dequantize_4bit(packed, state)
        assert (overshoot(weight, wrong, double_quant=True) > 1) == (shape in BY_ROWS)
        repair = repaired()
        assert torch.equal(dequantize_4bit(packed, state), right)
        inputs = torch.randn(3, shape[1], requires_grad=True)
        product = bnb.matmul_4bit(inputs, packed, state)
        torch.testing.assert_close(product, inputs @ right.t())
        product.sum().backward()
        torch.testing.assert_close(inputs.grad, right.sum(0).expand(3, -1))
        repair._destroy()


def test_a_kernel_that_takes_wrong_scales_is_repaired_or_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with kernel_of_avx512():
        with pytest.raises(BaseModelError, match=rf"{ODD_ROWS}: the 4-bit weights lie .* computes wrongly on this pro"):
            load_base(folder, NF4, "cpu")
        repairs = []
        monkeypatch.setattr(load, "repair_dequantize", lambda: repairs.append(repaired()))
        load_base(folder, NF4, "cpu")
        repairs.pop()._destroy()
    load_base(folder, NF4, "cpu")


def swap_scales(weight: Any) -> None:
    weight.quant_state.absmax[[3, 4]] = weight.quant_state.absmax[[4, 3]] ^ 64


def one_value(weight: Any) -> None:
    weight.data[17] ^= 0x40


def shift(weight: Any) -> None:
    weight.quant_state.offset += 0.02 * weight.quant_state.offset


def scale_of_scales(weight: Any) -> None:
    weight.quant_state.state2.absmax *= 1.5


def no_number(weight: Any) -> None:
    weight.quant_state.state2.absmax[:] = float("nan")


def other_way_round(weight: Any) -> None:
    weight.quant_state.shape = torch.Size(reversed(weight.quant_state.shape))


@pytest.mark.parametrize("damage", [swap_scales, one_value, shift, scale_of_scales, no_number, other_way_round])
def test_damaged_weights_are_refused(one: tuple[PreTrainedModel, Callable[[], None]], damage: Any) -> None:
    model, compare = one
    compare()
    name = "model.layers.1.mlp.down_proj"
    weight = model.get_submodule(name).weight
    damage(weight)
    with pytest.raises(BaseModelError, match=f"^{name}"):
        compare()


@pytest.mark.parametrize("double_quant", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_bound_is_nf4s_own(double_quant: bool, dtype: Any) -> None:
    """All that quantising makes of real weights lies within it, and near it: a little more than NF4 allows is seen."""
    weight, packed, state = quantized((256, 192), double_quant, dtype)
    held = dequantize_4bit(packed, state)
    assert 0.8 < overshoot(weight, held, double_quant) <= 1
    assert overshoot(weight, held * 1.03, double_quant) > 1
    scales = state.absmax.numel() + (4 * state.state2.absmax.numel() if double_quant else 3 * state.absmax.numel())
    assert stored_bytes(weight.numel(), double_quant) == packed.numel() + scales
    assert overshoot(torch.zeros(3, 70), torch.zeros(3, 70), double_quant) == 0
    assert overshoot(torch.zeros(3, 70), torch.full((3, 70), 1e-3), double_quant) > 1
    assert overshoot(weight, torch.full_like(weight, float("nan")), double_quant) == float("inf")


@pytest.mark.parametrize("wrong", ["forward", "backward"])
def test_a_layer_that_multiplies_with_other_weights_is_refused(
    one: tuple[PreTrainedModel, Callable[[], None]], wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Right weights are not enough: products, and the gradients that packed weights do not pass."""

    def product(inputs: torch.Tensor, _: torch.Tensor, shape: Any, *_rest: Any, **_more: Any) -> torch.Tensor:
        return inputs.new_ones(*inputs.shape[:-1], shape[0])

    def gradient(context: Any, slopes: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        return slopes.new_zeros(len(slopes), context.state.shape[1]), None, None, None, None

    library = torch.library.Library("bitsandbytes", "IMPL")
    if wrong == "forward":
        library.impl("gemm_4bit", product, "CPU")
    else:
        monkeypatch.setattr(MatMul4Bit, "backward", gradient)
    try:
        with pytest.raises(BaseModelError, match="multiplies with other weights"):
            one[1]()
    finally:
        library._destroy()


def test_weights_that_are_no_numbers_are_refused(folder: Path, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(folder, tmp_path / "broken"))
    weights = load_file(folder / "model.safetensors")
    weights[ODD_ROWS][3, 5] = float("inf")
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BaseModelError, match=f"{ODD_ROWS} has values that are infinite"):
        load_base(broken, NF4, "cpu")


def test_originals_are_found_however_they_are_stored(tmp_path: Path) -> None:
    """In one tensor that transformers splits while it loads."""
    split = build_family(tmp_path / "split", "hrm_text")
    stored = load_file(split / "model.safetensors")
    assert any("gqkv_proj" in name for name in stored)
    model = load_base(split, NF4, "cpu")
    files = tensor_files(split)
    gone = next(name for name in files if "gqkv_proj" in name)
    with pytest.raises(BaseModelError, match=r"hold no .*self_attn\..*_proj\.weight to compare"):
        verify(model, load_skeleton(split), {name: file for name, file in files.items() if name != gone})
