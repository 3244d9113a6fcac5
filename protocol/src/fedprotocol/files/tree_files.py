"""CAR files in a program's own folders: written whole or not at all, verified when they are opened."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Any

from fedprotocol.car import CarFile, Leaves, read_car, write_car
from fedprotocol.files.private import create_private, private_folder
from fedprotocol.tree import TreeShape

PUBLIC = 0o666  # less the umask


def save_car(leaves: Leaves, path: Path, private: bool = False) -> Path:
    """Write `leaves` to `path` and wait until it is on the disk; `private`: that nobody else can read, nor its folder.

    Raises TreeError, OSError.
    """
    if private:
        private_folder(path.parent)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with create_private(partial, 0o600 if private else PUBLIC) as file:
        write_car(leaves, file)
        _flush(file)
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return path


def open_car(path: Path, root: bytes, shape: TreeShape) -> CarFile:
    """Verify the whole file, then give random access to its leaves; keeps an index beside it, for whom the file
    is. Raises CarError."""
    index, mode = path.with_name(path.name + ".idx"), path.stat().st_mode & PUBLIC
    with path.open("rb") as source, Path(os.devnull).open("wb") as nowhere, create_private(index, mode) as entries:
        read_car(source, root, shape, nowhere, entries)
    return CarFile(path, index, root, shape)


def _flush(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())
