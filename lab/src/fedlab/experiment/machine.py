"""The machine that computed a cell, in one line. Seconds and peaks of memory mean nothing without it."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path


@cache
def machine(device: str) -> str:
    """For "cpu" or "cuda": the processor, its cores, its special abilities, and the libraries that computed."""
    import torch
    from fednode.base_model.arithmetic import computes_bfloat16

    libraries = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "peft", "bitsandbytes"))
    if device == "cuda":
        return f"{torch.cuda.get_device_name()}; {libraries}"
    fast = f"{torch.backends.cpu.get_cpu_capability()}, {'' if computes_bfloat16('cpu') else 'no '}bfloat16"
    return f"{processor()}, {os.cpu_count()} cores, {fast}; {libraries}"


def processor() -> str:
    """The system's name for the CPU, or its architecture if there is no name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
