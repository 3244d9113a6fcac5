"""Quantising to NF4 in less time gives the very bits that bitsandbytes gives."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from bitsandbytes.functional import quantize_4bit
from fednode.base_model import load_base
from fednode.base_model.nf4 import BLOCK, CODES
from fednode.base_model.quantize import sped_up, speed_up_quantize
from fedprotocol.spec import Quantization
from support.tiny_families import build_family

pytestmark = pytest.mark.model

Made = tuple[torch.Tensor, torch.Tensor]


@pytest.fixture(autouse=True)
def as_bitsandbytes_comes() -> Iterator[None]:
    """Other tests load models, and with them what is tried here."""
    if speed_up_quantize.cache_info().currsize:
        speed_up_quantize()._destroy()
        speed_up_quantize.cache_clear()
    yield


def both(weight: torch.Tensor, blocksize: int = BLOCK, storage: torch.dtype = torch.uint8) -> tuple[Made, Made]:
    """bitsandbytes' own codes and scales, and those of here."""
    operator = torch.ops.bitsandbytes.quantize_4bit
    theirs = operator(weight, blocksize, "nf4", storage)
    library = sped_up()
    try:
        return theirs, operator(weight, blocksize, "nf4", storage)
    finally:
        library._destroy()


def assert_equal(weight: torch.Tensor, blocksize: int = BLOCK, storage: torch.dtype = torch.uint8) -> None:
    for theirs, ours in zip(*both(weight, blocksize, storage), strict=True):
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        assert torch.equal(ours.view(torch.uint8), theirs.view(torch.uint8))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("shape", [(256, 192), (64, 1), (1100, 64), (5, 48), (7, 9), (3, 64)])
def test_weights(dtype: torch.dtype, shape: tuple[int, int]) -> None:
    """Also those that are no whole number of blocks, which are left to bitsandbytes."""
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(1)).to(dtype)
    assert_equal(weight)
    assert_equal(weight.t())
    if weight.numel() % 4 == 0:
        assert_equal(weight, storage=torch.bfloat16)


@pytest.mark.parametrize("scale", [1.0, 3e-39, 1e-38, 1.7e38, 0.02, 1 / 3])
def test_values_at_the_bounds_between_codes(scale: float) -> None:
    codes = torch.tensor(CODES)
    bounds = (codes[:-1] + codes[1:]) / 2
    near = [bounds]
    for towards in (-math.inf, math.inf):
        step = bounds
        for _ in range(3):
            step = torch.nextafter(step, torch.tensor(towards))
            near.append(step)
    values = torch.cat([*near, codes])  # 121 values: 63 in a block behind its largest one
    for first in (values[:63], values[63:]):
        block = torch.cat([torch.ones(1), first, torch.zeros(63 - len(first))]) * scale
        assert_equal(torch.stack([block, -block, block.flip(0)]))


@pytest.mark.parametrize("wrong", [math.inf, -math.inf, math.nan])
def test_what_is_no_number_is_left_to_bitsandbytes(wrong: float) -> None:
    weight = torch.randn(8, 64)
    weight[3, 5] = wrong
    assert_equal(weight)


@pytest.mark.parametrize("blocksize", [32, 64, 128, 4096])
def test_blocks_of_other_sizes(blocksize: int) -> None:
    assert_equal(torch.randn(64, 128), blocksize)
    assert_equal(torch.zeros(64, 128), blocksize)


def test_other_codes_are_bitsandbytes_own() -> None:
    weight = torch.randn(64, 64)
    theirs = quantize_4bit(weight, quant_type="fp4")
    library = sped_up()
    ours = quantize_4bit(weight, quant_type="fp4")
    library._destroy()
    assert torch.equal(theirs[0], ours[0])


def test_a_model_is_quantised_by_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fednode.base_model import quantize

    made = []
    monkeypatch.setattr(quantize, "_quantized", lambda *given, real=quantize._quantized: made.append(1) or real(*given))
    load_base(build_family(tmp_path, "qwen3"), Quantization(kind="nf4", double_quant=True, compute_dtype="bf16"), "cpu")
    assert made
