"""Trees in a program's own folders: an update is nobody else's business before it is published."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from fedprotocol.car import MemoryLeaves
from fedprotocol.files.tree_files import open_car, save_car

LEAVES = MemoryLeaves([bytes([n]) * 32 for n in range(3)])


@pytest.fixture(autouse=True)
def _careless_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}


def test_a_private_tree_and_its_index(tmp_path: Path) -> None:
    folder = tmp_path / "updates"
    folder.mkdir(mode=0o755)
    (folder / "a.car").touch(mode=0o644)
    (folder / "a.car.idx").touch(mode=0o644)
    save_car(LEAVES, folder / "a.car", private=True)
    with open_car(folder / "a.car", LEAVES.root, LEAVES.shape) as leaves:
        assert leaves[2] == LEAVES[2]
    assert modes(folder) == {"updates": 0o700, "a.car": 0o600, "a.car.idx": 0o600}


def test_a_public_tree_and_its_index(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    save_car(LEAVES, folder / "a.car")
    open_car(folder / "a.car", LEAVES.root, LEAVES.shape).close()
    assert modes(folder) == {"bundle": 0o755, "a.car": 0o644, "a.car.idx": 0o644}
