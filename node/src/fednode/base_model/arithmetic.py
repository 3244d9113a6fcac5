"""The type that a device computes in. bfloat16 costs a CPU that has no instructions for it about a hundredfold."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

log = logging.getLogger("fednode")


def computes_bfloat16(device: str) -> bool:
    """Whether "cuda" or this "cpu" multiplies bfloat16 at speed: a CPU where oneDNN has kernels for it (AVX-512 and up;
    on Arm, bf16), any GPU.
    """
    import torch

    return device != "cpu" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def arithmetic(wanted: torch.dtype, device: str) -> torch.dtype:
    """`wanted`, or float32 in place of bfloat16 where the device would crawl: it is the same weights, rounded less."""
    import torch

    if wanted != torch.bfloat16 or computes_bfloat16(device):
        return wanted
    log.info("this CPU has no bfloat16 arithmetic: computing in float32")
    return torch.float32
