"""How often Python looks for garbage."""

from __future__ import annotations

import gc

NEW_OBJECTS = 20_000


def collect_seldom() -> None:
    """Look for garbage after 20,000 new objects, not after 700 as Python does by itself (2,000 from 3.13 on). To import
    torch and transformers makes millions of objects, none of them garbage: that takes a seventh less time then."""
    gc.set_threshold(NEW_OBJECTS)
