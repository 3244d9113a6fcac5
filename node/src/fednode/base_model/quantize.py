"""Makes bitsandbytes quantise to NF4 on the CPU in a quarter of the time, with the same bits."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from fednode.base_model.cpu_kernels import Kernel, on_top
from fednode.base_model.nf4 import CODES

if TYPE_CHECKING:
    import torch

_BINS = 64
"""Bins of the interval [-1, 1], so narrow that none has two of the bounds between codes."""
_PART = 1 << 16
"""How many values are quantised at a time, at most, so that they stay in the processor's cache."""


@cache
def speed_up_quantize() -> Any:
    """Make bitsandbytes' `quantize_4bit` on the CPU faster, once in a process.

    It has no kernel of its own for this there: it searches the code of each value by bisection (0.50.2,
    backends/default/ops.py). Here the bin of a value says which single bound it has to be compared with.
    """
    return sped_up()


def sped_up() -> Any:
    """See `on_top`, also for how long it lasts."""
    return on_top("quantize_4bit", _by_bins)


def _by_bins(kernel: Kernel) -> Kernel:
    codes_below, bounds = _bins()

    def quantize(
        keyset: Any, weight: torch.Tensor, blocksize: int, quant_type: str, quant_storage: torch.dtype
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if quant_type == "nf4" and weight.numel() % blocksize == 0 and _PART % blocksize == 0:
            made = _quantized(weight.reshape(-1, blocksize), codes_below, bounds)
            if made is not None:
                return made[0].view(quant_storage)[:, None], made[1]
        result: tuple[torch.Tensor, torch.Tensor] = kernel(keyset, weight, blocksize, quant_type, quant_storage)
        return result

    return quantize


def _quantized(
    blocks: torch.Tensor, codes_below: torch.Tensor, bounds: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Two codes in each byte, and the scale of each block; None if one of them is infinite or no number. How many
    bounds lie below a value is how many lie in bins below its own, and one more if it is beyond the one in its own."""
    import torch

    packed, scales = [], []
    for part in torch.split(blocks, _PART // blocks.shape[1]):
        values = part.float()
        scale = values.abs().amax(1)
        if not torch.isfinite(scale).all():
            return None
        values = (values * (1.0 / scale.clamp(min=1e-38))[:, None]).clamp_(-1, 1).view(-1)
        bins = ((values + 1) * (_BINS / 2)).int()
        codes = codes_below.index_select(0, bins) + (values > bounds.index_select(0, bins))
        packed.append(codes[::2] << 4 | codes[1::2])
        scales.append(scale)
    return torch.cat(packed), torch.cat(scales)


def _bins() -> tuple[torch.Tensor, torch.Tensor]:
    """For each bin the number of bounds in bins below it, uint8 [65], and the bound within it or infinity, float32
    [65]. The value 1 has a separate bin. Rounding keeps the order, so values and bounds are treated alike."""
    import torch

    codes = torch.tensor(CODES)
    between = (codes[:-1] + codes[1:]) / 2
    places = ((between + 1) * (_BINS / 2)).int()
    bounds = torch.full((_BINS + 1,), float("inf"))
    bounds[places] = between
    return (places[None] < torch.arange(_BINS + 1)[:, None]).sum(1).to(torch.uint8), bounds
