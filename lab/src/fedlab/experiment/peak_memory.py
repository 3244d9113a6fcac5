"""The peak of memory since it was last asked to begin again: this process' resident memory, or what torch holds of a
GPU's."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from pathlib import Path

from fedlab.demo.supervisor import peak_memory

CLEAR = Path("/proc/self/clear_refs")
PEAK = "5"  # proc(5): resets VmHWM


def begin(device: str) -> None:
    """Later peaks on "cpu" or "cuda" count from here on, as far as the system can: Linux; glibc also gives back what is
    freed."""
    gc.collect()
    if device == "cuda":
        import torch

        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    elif sys.platform == "linux":
        if give_back := getattr(ctypes.CDLL(None), "malloc_trim", None):
            give_back(0)
        CLEAR.write_text(PEAK)


def peak(device: str) -> int:
    """Bytes; right after `begin`, what is held. 0 where the system does not tell."""
    if device == "cuda":
        import torch

        return torch.cuda.max_memory_allocated()
    return peak_memory(os.getpid())
