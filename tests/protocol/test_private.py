"""What only its owner may read is so from its first byte on, and again when it is written anew."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from fedprotocol.chain import keys
from fedprotocol.journal import Journal
from fedprotocol.private import create_private, open_to_others, private_folder, warn_if_open


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def _careless_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def test_it_has_its_mode_before_it_has_content(tmp_path: Path) -> None:
    with create_private(tmp_path / "a") as file:
        assert mode(tmp_path / "a") == 0o600 and (tmp_path / "a").stat().st_size == 0
        file.write(b"key")
    assert (tmp_path / "a").read_bytes() == b"key"


def test_who_has_the_old_file_open_does_not_see_the_new_content(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    with path.open() as reader, create_private(path) as file:
        file.write(b"key")
        file.flush()
        assert reader.read() == "old"
    assert mode(path) == 0o600


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("mine")
    (tmp_path / "a").symlink_to(tmp_path / "elsewhere")
    with create_private(tmp_path / "a") as file:
        file.write(b"key")
    assert (tmp_path / "elsewhere").read_text() == "mine" and not (tmp_path / "a").is_symlink()


def test_a_folder_that_was_open_is_closed(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir(mode=0o755)
    for name in ("old", "new"):
        private_folder(tmp_path / name)
        assert mode(tmp_path / name) == 0o700
    assert open_to_others([tmp_path / "old", tmp_path / "missing"]) == []


def test_a_journal_of_any_mode_is_closed_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path) as journal:
        journal.note("a", 1)
        beside = [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm", ".lock")]
        assert open_to_others(beside) == [] and all(file.exists() for file in beside)
    path.chmod(0o644)
    with Journal(path) as journal:
        journal.note("a", 2)
        assert open_to_others(beside) == []


def test_a_keystore_is_its_owners(tmp_path: Path) -> None:
    keys.create(tmp_path / "key.json", "a long password", iterations=2)
    assert mode(tmp_path / "key.json") == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key.json"]


def test_an_open_config_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = tmp_path / "fed node.toml"
    config.touch(mode=0o640)
    with caplog.at_level(logging.WARNING):
        warn_if_open(config, logging.getLogger("test"))
    assert caplog.messages == [
        f"others may read {config}, and RPC URLs may hold keys: run chmod go= '{tmp_path}/fed node.toml'"
    ]
    caplog.clear()
    config.chmod(0o600)
    warn_if_open(config, logging.getLogger("test"))
    assert caplog.messages == []
