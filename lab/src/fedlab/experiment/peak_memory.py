"""The peak of memory since the measurement began: the resident memory of this process, or the GPU memory that torch
holds."""

from __future__ import annotations

import ctypes
import gc
import os
import sys

from fedprotocol.program.peak_memory import forget_peak, peak_memory


def begin(device: str) -> None:
    """Begin to measure the peak on "cpu" or "cuda". On a CPU this needs Linux; with glibc, freed memory is given back
    first."""
    gc.collect()
    if device == "cuda":
        import torch

        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    elif sys.platform == "linux":
        if give_back := getattr(ctypes.CDLL(None), "malloc_trim", None):
            give_back(0)
        forget_peak()


def peak(device: str) -> int:
    """The peak in bytes; right after `begin`, the memory that is in use. 0 if the system does not say."""
    if device == "cuda":
        import torch

        return torch.cuda.max_memory_allocated()
    return peak_memory(os.getpid())
