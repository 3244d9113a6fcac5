"""What NF4 may turn a weight into, computed without bitsandbytes.

Dettmers et al. 2023, "QLoRA": blocks of 64 values, row after row, each value the nearest of 16 codes times the largest
magnitude in its block; with double quantisation that scale is itself quantised to 8 bits.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

BLOCK = 64
CODES = (
    -1.0,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
    0.0,
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1.0,
)
SCALES = 256
"""How many scales double quantisation quantises together, after subtracting the mean of all."""
SCALE_ERROR = 0.00703125 + 2.0**-16
"""The largest error of a scale in 8 bits, as a share of the largest deviation from the mean among its 256: half of the
widest gap between 8-bit codes, (1 - 0.1) / 64, plus the error of bitsandbytes' table of 2^16 entries."""
_BINS = 1 << 12
"""Bins of the interval [-1, 1]. For each bin a table has the largest distance of a value to its nearest code."""
_PART = 1 << 9
"""How many blocks are compared at a time, so that they stay in the processor's cache."""


def scales_of(weight: torch.Tensor) -> torch.Tensor:
    """The largest magnitude in each block of a floating-point tensor, float32 [blocks]; infinite or no number exactly
    where a value of the block is."""
    import torch

    return torch.cat([part.float().abs().amax(1) for part in torch.split(_blocks(weight), _PART)])


def overshoot(weight: torch.Tensor, held: torch.Tensor, scales: torch.Tensor, double_quant: bool) -> float:
    """How far `held`, the weight after NF4 and dequantising, lies from `weight`, as a multiple of what NF4 allows. Both
    are floating-point tensors of one shape; `weight` has finite values, in the type that was quantised, and the
    `scales` of its blocks. At most 1 if each value is the nearest code times its block's scale, up to the rounding of
    the scales and of `held`'s type; infinite if something in `held` is not a number.
    """
    import torch

    reach = _reach()
    blocks, ours = _blocks(weight), _blocks(held)
    parts = [slice(start, start + _PART) for start in range(0, len(blocks), _PART)]
    errors = _scale_errors(scales) if double_quant else torch.zeros_like(scales)
    allowed = errors + torch.finfo(held.dtype).eps / 2 * (scales + errors) + 1e-38
    worst = 0.0
    for part in parts:
        values, scale = blocks[part].float(), scales[part, None]
        distances = (ours[part].float() - values).abs()
        bins = ((values / scale.clamp(min=1e-38) + 1) * (_BINS / 2)).int()
        nearest = reach.index_select(0, bins.view(-1)).view(bins.shape)
        times = distances / (nearest * scale + allowed[part, None])
        worst = max(worst, float(times.amax().nan_to_num(nan=float("inf"))))
    return worst


def stored_bytes(values: int, double_quant: bool) -> int:
    """The bytes that a weight with this many values takes in NF4, with its scales."""
    blocks = -(-values // BLOCK)
    return -(-values // 2) + (blocks + 4 * -(-blocks // SCALES) if double_quant else 4 * blocks)


@cache
def _reach() -> torch.Tensor:
    """The largest distance of a value in each bin to its nearest code. The value 1 has a separate bin."""
    import torch

    edges = torch.linspace(-1, 1, _BINS + 1)
    nearest = (edges[:, None] - torch.tensor(CODES)).abs().amin(1)
    return torch.cat([torch.maximum(nearest[:-1], nearest[1:]), nearest[-1:]]) + 1 / _BINS


def _blocks(tensor: torch.Tensor) -> torch.Tensor:
    """The values as [blocks, 64], with zeros after the last value."""
    import torch

    flat = tensor.reshape(-1)
    return torch.nn.functional.pad(flat, (0, -len(flat) % BLOCK)).view(-1, BLOCK)


def _scale_errors(scales: torch.Tensor) -> torch.Tensor:
    """The largest error of each scale in 8 bits."""
    import torch

    deviations = (scales - scales.mean()).abs()
    groups = torch.nn.functional.pad(deviations, (0, -len(scales) % SCALES)).view(-1, SCALES).amax(1)
    return (groups * SCALE_ERROR).repeat_interleave(SCALES)[: len(scales)]
