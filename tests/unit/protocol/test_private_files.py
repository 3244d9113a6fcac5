"""What only its owner may read is so from its first byte on, and again when it is written anew."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fedprotocol.chain.account import keys
from fedprotocol.files.private import Exposure, create_private, exposure, open_to_others, private_folder, warn_if_open
from fedprotocol.journal import Journal


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
        f"others may read {config}: run chmod 600 '{tmp_path}/fed node.toml'; RPC URLs may hold keys"
    ]
    caplog.clear()
    config.chmod(0o600)
    warn_if_open(config, logging.getLogger("test"))
    assert caplog.messages == []


READ_ONLY = """
set -e
mount --bind "$1" "$1"
mount -o remount,ro,bind "$1"
exec "$2" -c "
import sys
from pathlib import Path
from fedprotocol.chain.account.keys import read_password
from fedprotocol.program.terminal import run_program
run_program(lambda: print(read_password(Path(sys.argv[1]))))
" "$1/secret"
"""


@pytest.mark.process
@pytest.mark.parametrize(
    ("mode", "credentials", "said"),
    [
        (0o644, False, "its mount is read-only: mount it with mode 0400, or 0440 for a group (Kubernetes: defaultMode"),
        (0o444, True, "correct horse"),  # systemd's: the folder is for the service alone
        (0o440, False, "correct horse"),  # Kubernetes' fsGroup
        (0o400, False, "correct horse"),
    ],
)
def test_a_secret_on_a_read_only_mount(mode: int, credentials: bool, said: str, tmp_path: Path) -> None:
    """chmod cannot help there; a real mount, in a namespace of its own."""
    namespace = ["unshare", "--map-root-user", "--mount"]
    if subprocess.run([*namespace, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine has no user namespaces")
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "secret").write_text("correct horse\n")
    (folder / "secret").chmod(mode)
    env = {"PATH": os.environ["PATH"]} | ({"CREDENTIALS_DIRECTORY": str(folder)} if credentials else {})
    command = [*namespace, "sh", "-c", READ_ONLY, "sh", str(folder), sys.executable]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert said in done.stdout + done.stderr
    assert "chmod" not in done.stderr
    assert done.returncode == (1 if said.startswith("its") else 0)


def test_a_secret_of_another_user(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.touch(mode=0o644)
    assert exposure(path) == Exposure(f"others may read {path}: run chmod 600 {path}", f"chmod 600 {path}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
        exposed = exposure(path)
        assert exposed is not None and "another user's: name a copy of your own" in exposed.text
        assert exposed.command.startswith("install -m 600 ")
