"""Memory that a program keeps when it is freed, to use it again.

glibc gives the arrays of a thread's window back to the system as soon as they are freed, and the next window asks for
them again: then every page of them is mapped and zeroed anew, which takes as long as the sums.
"""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h
_KEPT = 32 << 20
_MAPPED = 8 << 20


def keep_freed_memory() -> None:
    """Have this process keep what is freed in blocks of up to 8 MiB, up to 32 MiB for each thread (mallopt(3)). Does
    nothing where the C library is not glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _MAPPED)
        mallopt(_TRIM_THRESHOLD, _KEPT)
