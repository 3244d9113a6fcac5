"""Visitors are told when content cannot be fetched, and no longer when it can."""

from __future__ import annotations

import shutil
from pathlib import Path

from fedexplorer.content.store_watch import AWAY, StoreWatch
from fedprotocol.store.directory import DirectoryStore
from fedprotocol.store.open import open_store


def test_a_store_that_goes_away_and_comes_back_is_said_to(tmp_path: Path) -> None:
    other = tmp_path / "other"
    DirectoryStore(other)
    watch = StoreWatch(open_store(f"dir:{tmp_path / 'copies'}", tmp_path / "copies", [f"dir:{other}"]), has_own=False)
    watch.look()
    assert watch.problem == ""
    shutil.move(other, tmp_path / "elsewhere")
    watch.look()
    assert watch.problem == AWAY
    assert str(tmp_path) not in watch.problem
    shutil.move(tmp_path / "elsewhere", other)
    watch.look()
    assert watch.problem == ""


def test_a_store_with_content_of_its_own_needs_no_other(tmp_path: Path) -> None:
    store = open_store(f"dir:{tmp_path / 'copies'}", tmp_path / "copies")
    for has_own, problem in ((True, ""), (False, AWAY)):
        watch = StoreWatch(store, has_own)
        watch.look()
        assert watch.problem == problem
