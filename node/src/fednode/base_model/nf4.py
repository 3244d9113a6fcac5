"""What NF4 may make of a weight, worked out apart from bitsandbytes.

Dettmers et al. 2023, "QLoRA": blocks of 64 values, row after row, each value the nearest of 16 codes times the largest
magnitude in its block; with double quantisation that scale is itself in 8 bits.
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
"""Scales that double quantisation takes together, less the mean of all."""
SCALE_ERROR = 0.00703125 + 2.0**-16
"""Of a scale in 8 bits, as a share of the largest deviation from the mean among its 256: half the widest gap of the
8-bit codes, (1 - 0.1) / 64, and what bitsandbytes' table of 2^16 entries adds."""
_BINS = 1 << 12
"""Of [-1, 1]: how far a value may lie from its nearest code is looked up by them, the worst of each bin."""
_PART = 1 << 11
"""Blocks compared at a time: what they take stays in the processor's cache."""


def overshoot(weight: torch.Tensor, held: torch.Tensor, double_quant: bool) -> float:
    """How far `held`, the weight in NF4 taken apart again, lies from `weight`, as a multiple of what NF4 allows.

    Both of one shape, floating; `weight` of finite values, in the type that was quantised. At most 1 if each value is
    the nearest code times its block's scale, up to the rounding of the scales and of `held`'s type; infinite if
    something in `held` is not a number.
    """
    import torch

    reach = _reach()
    blocks, ours = _blocks(weight), _blocks(held)
    parts = [slice(start, start + _PART) for start in range(0, len(blocks), _PART)]
    scales = torch.cat([blocks[part].float().abs().amax(1) for part in parts])
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
    """What a weight of so many values takes in NF4, its scales included."""
    blocks = -(-values // BLOCK)
    return -(-values // 2) + (blocks + 4 * -(-blocks // SCALES) if double_quant else 4 * blocks)


@cache
def _reach() -> torch.Tensor:
    """The largest distance of a value in each bin to the code nearest to it; 1 is in a bin of its own."""
    import torch

    edges = torch.linspace(-1, 1, _BINS + 1)
    nearest = (edges[:, None] - torch.tensor(CODES)).abs().amin(1)
    return torch.cat([torch.maximum(nearest[:-1], nearest[1:]), nearest[-1:]]) + 1 / _BINS


def _blocks(tensor: torch.Tensor) -> torch.Tensor:
    """[blocks, 64], zeros after the last value."""
    import torch

    flat = tensor.reshape(-1)
    return torch.nn.functional.pad(flat, (0, -len(flat) % BLOCK)).view(-1, BLOCK)


def _scale_errors(scales: torch.Tensor) -> torch.Tensor:
    """What each scale may be off by in 8 bits."""
    import torch

    deviations = (scales - scales.mean()).abs()
    groups = torch.nn.functional.pad(deviations, (0, -len(scales) % SCALES)).view(-1, SCALES).amax(1)
    return (groups * SCALE_ERROR).repeat_interleave(SCALES)[: len(scales)]
