"""Puts a kernel of ours on top of one of bitsandbytes' on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Kernel = Callable[..., Any]
"""It takes the dispatch keys, then the operator's arguments."""


def on_top(operator: str, made: Callable[[Kernel], Kernel]) -> Any:
    """Register what `made` makes of the current kernel of a bitsandbytes operator. It lasts as long as the library
    object that is returned (torch.library)."""
    import bitsandbytes  # noqa: F401 - registers its own
    import torch

    name = f"bitsandbytes::{operator}"
    kernel = torch.library.get_kernel(name, "CPU")
    library: Any = torch.library.Library("bitsandbytes", "IMPL")  # type: ignore[no-untyped-call]
    library.impl(name, made(kernel.call_boxed), "CPU", with_keyset=True)
    return library
