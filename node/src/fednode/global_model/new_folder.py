"""The new folder of an export: refused before any work where it cannot be written, and there only when it is whole."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fedprotocol.files.whole import folder_made_whole
from fedprotocol.quantities import size

from fednode.global_model.errors import ExportError

_ROOM = 1 << 24
"""Bytes beside the weights: tokenizer, config, card."""


@contextmanager
def new_folder(out: Path, weights_bytes: int) -> Iterator[Path]:
    """A folder to fill, which is called `out` when the block ends and is deleted if the block raises.

    `weights_bytes`: what will be written to it; less room on the disk is refused at once. Raises ExportError.
    """
    if out.exists():
        raise ExportError(f"{out} is there already; nothing was written: remove it or choose another folder")
    try:
        _require_room(out, weights_bytes)
        with folder_made_whole(out) as folder:
            yield folder
    except OSError as error:
        raise ExportError(f"{out} cannot be written ({error.strerror}); choose another folder") from error


def _require_room(out: Path, weights_bytes: int) -> None:
    there = next(parent for parent in out.absolute().parents if parent.exists())
    free = shutil.disk_usage(there).free
    if free < weights_bytes + _ROOM:
        raise ExportError(
            f"{out}: this takes {size(weights_bytes)}, and only {size(free)} are free there; free some, or choose a "
            "folder on another disk"
        )
