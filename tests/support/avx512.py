"""What a processor with AVX-512 and bfloat16 does to this program, on one that has neither.

`pytest -p support.avx512 tests/node/…` runs tests as there: bfloat16 is computed with, bitsandbytes packs its layers
anew at the first evaluation, and its kernel takes 4-bit weights apart as the one for AVX-512 does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def kernel_of_avx512() -> Iterator[None]:
    """bitsandbytes' `dequantize_4bit` on the CPU as `dequantizeBlockwise4bitCpu` of csrc/cpu_ops.cpp (0.50.2) has it
    for AVX-512: scales by row and column, where a row is a multiple of 16 values."""
    library = torch.library.Library("bitsandbytes", "IMPL")
    library.impl("dequantize_4bit", _by_rows, "CPU")
    try:
        yield
    finally:
        library._destroy()


def _by_rows(
    packed: torch.Tensor, absmax: torch.Tensor, blocksize: int, quant_type: str, shape: Sequence[int], dtype: Any
) -> torch.Tensor:
    from bitsandbytes.functional import get_4bit_type

    bytes_ = packed.reshape(-1).view(torch.uint8)
    codes = torch.stack([bytes_ >> 4, bytes_ & 15], 1).reshape(-1)[: math.prod(shape)].int()
    places = torch.arange(math.prod(shape))
    row = shape[-1]
    scales = places // row * (row // blocksize) + places % row // blocksize if row % 16 == 0 else places // blocksize
    values = get_4bit_type(quant_type, device="cpu")[codes] * absmax.float()[scales]
    return values.to(dtype).reshape(tuple(shape))


def pytest_configure(config: Any) -> None:
    import bitsandbytes.nn.modules
    from fednode.base_model import arithmetic

    arithmetic.computes_bfloat16 = lambda _: True
    bitsandbytes.nn.modules.has_avx512bf16 = lambda: True
    pretence = kernel_of_avx512()
    pretence.__enter__()
    config.add_cleanup(lambda: pretence.__exit__(None, None, None))
