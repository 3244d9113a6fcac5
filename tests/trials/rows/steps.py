"""One thing that a node does with a data file, in a process of its own; what it took stands on standard output."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fednode.data import check_data, load_data
from fedprotocol.program.peak_memory import peak_memory
from support.encoders import encoder_of
from support.tiny_model import TEMPLATE, build_tiny_model, tiny_tokenizer

LENGTH = 256  # tokens
STEPS, BATCH = 6, 8


def main(step: str, path: Path, folder: Path) -> None:
    """Do the `step` with the file at `path`; copies and the model are in `folder`."""
    work = PREPARED[step](path, folder)
    began = time.process_time()
    work()
    print(json.dumps({"seconds": time.process_time() - began, "peak": peak_memory(os.getpid())}))


def _check(path: Path, _: Path) -> Callable[[], object]:
    return lambda: check_data(path)


def _check_in_tokens(path: Path, _: Path) -> Callable[[], object]:

    encoder = encoder_of(tiny_tokenizer(), TEMPLATE, LENGTH)
    return lambda: check_data(path, encoder)


def _read(path: Path, folder: Path) -> Callable[[], object]:
    import datasets.table  # noqa: F401 - so that loading the library is not counted

    return lambda: load_data(path, copies=folder / "rows")


def _round(path: Path, folder: Path, noise: bool = False) -> Callable[[], object]:
    """The second of two: the first one imports what training needs."""
    from fednode.training import AdapterModel, PrivateSteps
    from support.tiny_spec import tiny_spec

    model_folder = folder / "model"
    if not model_folder.exists():
        build_tiny_model(model_folder)
    spec, adapter = tiny_spec(model_folder, "fp32", steps=STEPS, batch_size=BATCH, sequence_length=LENGTH)
    model, data = AdapterModel.load(spec, None, "cpu", 1), load_data(path, copies=folder / "rows")
    private = PrivateSteps(noise=0.5, clip=1.0) if noise else None

    def train(number: int) -> Any:
        model.set_global(adapter.units)
        return model.train(spec, data, number, seed=0, private=private)

    train(1)
    return lambda: train(2)


def _round_with_noise(path: Path, folder: Path) -> Callable[[], object]:
    return _round(path, folder, noise=True)


PREPARED: dict[str, Callable[[Path, Path], Callable[[], object]]] = {
    "check": _check,
    "check in tokens": _check_in_tokens,
    "first read": _read,
    "read again": _read,
    "round": _round,
    "round with noise": _round_with_noise,
}


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
