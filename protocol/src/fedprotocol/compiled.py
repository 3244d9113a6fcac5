"""Whether loops over very many blocks or values are run by numba, or by NumPy and hashlib, which give the same results.

numba takes half a second to load, and the first time on a machine several seconds to compile. A small federation never
needs it. Where it is missing or does not work, everything is computed without it, and more slowly.
"""

from __future__ import annotations

import logging
import threading
from functools import cache
from importlib import import_module
from typing import Any

from fedprotocol.kept_memory import keep_freed_memory

MANY_BYTES = 4 << 20
"""From so many bytes on it is worth to load numba."""

log = logging.getLogger(__name__)

_wanted = threading.Event()


def expect(size: int) -> None:
    """Say that about `size` bytes will be worked on, piece by piece."""
    if size >= MANY_BYTES and not _wanted.is_set():
        _wanted.set()
        keep_freed_memory()


def module(name: str) -> Any:
    """A module of this package that numba compiles, if so much work was expected in this process that it is worth it.
    None if it was not, or where numba cannot be used."""
    return _imported(name) if _wanted.is_set() else None


@cache
def _imported(name: str) -> Any:
    try:
        return import_module(name)
    except Exception as error:  # whatever a compiler may say on a machine of which we know nothing
        log.info("%s is not used, because numba does not work here: %s", name, error)
        return None
