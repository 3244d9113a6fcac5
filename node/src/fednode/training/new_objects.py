"""The garbage collector while a model is loaded or trained."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def only_new_objects_collected() -> Iterator[None]:
    """The garbage collector looks only at objects that are made from now on; at the end it frees what is left of them.

    transformers and accelerate collect garbage in every training, and what is made while a model is loaded has it
    collected again and again. Without this, each time all the objects are looked at that torch and the model consist
    of: a quarter of a second, which is as much as a step of a small model takes.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.collect()
        gc.unfreeze()
