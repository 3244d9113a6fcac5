"""The type in which a device computes. On a CPU without instructions for bfloat16, computing in it takes about a
hundred times as long."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

log = logging.getLogger("fednode")


def computes_bfloat16(device: str) -> bool:
    """Whether "cuda" or this "cpu" multiplies bfloat16 fast: every GPU does, and CPUs for which oneDNN has kernels
    (AVX-512 and newer; on Arm, bf16).
    """
    import torch

    return device != "cpu" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def arithmetic(wanted: torch.dtype, device: str) -> torch.dtype:
    """`wanted`, or float32 in place of bfloat16 if the device would be very slow. The weights are the same, and results
    are rounded less."""
    import torch

    if wanted != torch.bfloat16 or computes_bfloat16(device):
        return wanted
    log.info("this CPU has no bfloat16 arithmetic: computing in float32")
    return torch.float32
