"""Makes bitsandbytes dequantise its 4-bit weights correctly on every CPU."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from fednode.base_model.cpu_kernels import Kernel, on_top

if TYPE_CHECKING:
    import torch


@cache
def repair_dequantize() -> Any:
    """Make bitsandbytes' `dequantize_4bit` on the CPU correct for rows of any length, once in a process.

    Its kernel for AVX-512 (0.50.2, csrc/cpu_ops.cpp) finds the scale of a block by row and column, although blocks go
    on over the ends of rows. If a row is no whole number of blocks, values get the scales of other blocks, in the
    forward and the backward pass. The quantised values are right, so it is enough to give the kernel the same values as
    rows of one block each.
    """
    return repaired()


def repaired() -> Any:
    """See `on_top`, also for how long it lasts."""
    return on_top("dequantize_4bit", _corrected)


def _corrected(kernel: Kernel) -> Kernel:
    def by_blocks(
        keyset: Any,
        packed: torch.Tensor,
        absmax: torch.Tensor,
        blocksize: int,
        quant_type: str,
        shape: Sequence[int],
        dtype: torch.dtype,
    ) -> torch.Tensor:
        count = math.prod(shape)
        padded = count + count % 2  # two values in a byte
        rows = (count // blocksize, blocksize) if count % blocksize == 0 else (1, padded)
        flat: torch.Tensor = kernel(keyset, packed, absmax, blocksize, quant_type, rows, dtype)
        return flat.view(-1)[:count].view(shape)

    return by_blocks
