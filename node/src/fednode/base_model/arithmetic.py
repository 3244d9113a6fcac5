"""The type in which a device computes. A CPU without instructions for bfloat16 computes in it two to a hundred times as
slowly as in float32."""

from __future__ import annotations

import logging
import platform
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

log = logging.getLogger("fednode")


def computes_bfloat16(device: str) -> bool:
    """Whether "cuda" or this "cpu" multiplies bfloat16 at least as fast as float32: every GPU does, x86 processors with
    AVX512_BF16 (those with AMX have it too), and Arm processors for which oneDNN has kernels. oneDNN's own answer says
    yes to every x86 processor with AVX-512, which takes two to four times as long as in float32.
    """
    import torch

    if device != "cpu":
        return True
    if platform.machine() in ("x86_64", "AMD64"):
        return bool(torch.cpu._is_avx512_bf16_supported())
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def arithmetic(wanted: torch.dtype, device: str) -> torch.dtype:
    """`wanted`, or float32 in place of bfloat16 if the device would be very slow. The weights are the same, and results
    are rounded less."""
    import torch

    if wanted != torch.bfloat16 or computes_bfloat16(device):
        return wanted
    log.info("this CPU has no bfloat16 arithmetic: computing in float32")
    return torch.float32
