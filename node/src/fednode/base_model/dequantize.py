"""bitsandbytes' 4-bit weights taken apart rightly on every CPU."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_OPERATOR = "bitsandbytes::dequantize_4bit"


@cache
def repair_dequantize() -> Any:
    """Make bitsandbytes' `dequantize_4bit` on the CPU right for rows of any length, once a process.

    Its kernel for AVX-512 (0.50.2, csrc/cpu_ops.cpp) takes the scale of a block by row and column, although blocks run
    on over the ends of rows: where a row is no whole number of blocks, values get their neighbours' scales, in forward
    and backward alike. What is quantised is right, so that it is enough to hand the kernel the same values as rows of
    one block each.
    """
    return repaired()


def repaired() -> Any:
    """The same on top of the kernel registered now; it lasts as long as the library that is returned."""
    import bitsandbytes  # noqa: F401 - registers the kernel
    import torch

    kernel = torch.library.get_kernel(_OPERATOR, "CPU")

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
        padded = count + count % 2  # two values a byte
        rows = (count // blocksize, blocksize) if count % blocksize == 0 else (1, padded)
        flat: torch.Tensor = kernel.call_boxed(keyset, packed, absmax, blocksize, quant_type, rows, dtype)
        return flat.view(-1)[:count].view(shape)

    library: Any = torch.library.Library("bitsandbytes", "IMPL")  # type: ignore[no-untyped-call]
    library.impl(_OPERATOR, by_blocks, "CPU", with_keyset=True)
    return library
