"""CAR files in a program's own folders: written whole or not at all, verified when they are opened."""

from __future__ import annotations

import os
from pathlib import Path

from fedprotocol.car import CarFile, Leaves, read_car, write_car
from fedprotocol.files.private import private_folder
from fedprotocol.files.whole import PRIVATE, PUBLIC, written_whole
from fedprotocol.tree import TreeShape


def save_car(leaves: Leaves, path: Path, private: bool = False) -> Path:
    """Write `leaves` to `path` and wait until it is on the disk; With `private`, nobody else can read the file or enter
    its folder.

    Raises TreeError, OSError.
    """
    if private:
        private_folder(path.parent)
    with written_whole(path, PRIVATE if private else PUBLIC) as file:
        write_car(leaves, file)
    return path


def open_car(path: Path, root: bytes, shape: TreeShape) -> CarFile:
    """Verify the whole file, then give random access to its leaves. An index, readable by the same users, is kept
    beside it. Raises CarError."""
    index, mode = path.with_name(path.name + ".idx"), path.stat().st_mode & PUBLIC
    with (
        path.open("rb") as source,
        Path(os.devnull).open("wb") as nowhere,
        written_whole(index, mode, synced=False) as entries,
    ):
        index_digest = read_car(source, root, shape, nowhere, entries)
    return CarFile(path, index, root, shape, index_digest=index_digest)
