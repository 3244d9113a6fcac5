"""Keystores: readable by any wallet, by nobody else, and never overwritten."""

from __future__ import annotations

import io
import json
import logging
import os
import pty
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from fedprotocol.chain.account import keys
from fedprotocol.chain.account.keys import KeystoreError, NamesNoAddress, PasswordError
from fedprotocol.chain.account.signer import address_of, open_signer
from fedprotocol.config import AccountConfig

PASSWORD = "correct horse battery"
LIGHT = 1024  # scrypt's N in tests
# The scrypt vector of the Web3 Secret Storage Definition (ethereum.org).
VECTOR = {
    "crypto": {
        "cipher": "aes-128-ctr",
        "cipherparams": {"iv": "83dbcc02d8ccb40e466191a123791e0e"},
        "ciphertext": "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
        "kdf": "scrypt",
        "kdfparams": {
            "dklen": 32,
            "n": 262144,
            "p": 8,
            "r": 1,
            "salt": "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19",
        },
        "mac": "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097",
    },
    "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
    "version": 3,
}
VECTOR_KEY = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "node.json"


def test_create_and_load(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    account = keys.create(path, PASSWORD, LIGHT)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.address_of(path) == account.address
    assert keys.load(path, PASSWORD).key == account.key
    assert account.key.hex() not in path.read_text() + caplog.text
    assert PASSWORD not in path.read_text() + caplog.text
    assert [p.name for p in path.parent.iterdir()] == ["node.json"]


def test_reads_and_copies_what_other_wallets_write(path: Path, tmp_path: Path) -> None:
    source = tmp_path / "geth.json"
    source.write_text(json.dumps(VECTOR))
    account = keys.import_keystore(path, source, "testpassword")
    assert account.key.hex() == VECTOR_KEY
    assert keys.load(path, "testpassword").address == account.address
    assert keys.address_of(path) == account.address
    with pytest.raises(NamesNoAddress, match=f"account import {source}"):
        keys.address_of(source)
    with pytest.raises(PasswordError, match="wrong password"):
        keys.import_keystore(tmp_path / "other.json", source, "nonsense")
    assert not (tmp_path / "other.json").exists()


WALLETS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "geth": lambda it: it,
    "foundry": lambda it: without(it, "address"),
    "no uuid": lambda it: without(it, "id"),
    "0x and checksum": lambda it: {**it, "address": f"0x{it['address']}"},
    "small letters": lambda it: {**it, "address": it["address"].lower()},
    "large letters": lambda it: {**it, "address": it["address"].upper()},
    "0X": lambda it: {**it, "address": "0X" + it["address"].upper()},
    "mixed without a checksum": lambda it: {**it, "address": it["address"].swapcase()},
    "an empty address": lambda it: {**it, "address": ""},
    "null": lambda it: {**it, "address": None},
    "MyEtherWallet": lambda it: {"Crypto" if key == "crypto" else key: value for key, value in it.items()},
    "capitals": lambda it: {key.upper(): value for key, value in it.items()},
    "parity": lambda it: {**it, "name": "", "meta": "{}"},
    "ethers": lambda it: {**it, "x-ethers": {"client": "ethers/6", "gethFilename": "UTC--x", "mnemonicCounter": "00"}},
    "0x in hex": lambda it: {**it, "crypto": {**it["crypto"], "mac": f"0x{it['crypto']['mac']}"}},
}


def without(content: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != key}


@pytest.mark.parametrize("kdf", ["scrypt", "pbkdf2"])
@pytest.mark.parametrize("wallet", WALLETS)
@pytest.mark.parametrize("imported", [True, False])
def test_what_eth_account_opens_can_be_used(wallet: str, kdf: Any, imported: bool, path: Path, tmp_path: Path) -> None:
    """After `account import`, or named in the config as it is."""
    account = Account.create()
    content = WALLETS[wallet](Account.encrypt(account.key, PASSWORD, kdf=kdf, iterations=LIGHT))
    assert Account.decrypt(content, PASSWORD) == account.key
    source, password = tmp_path / "wallet.json", tmp_path / "password"
    for file, text in ((source, "\ufeff" + json.dumps(content)), (password, PASSWORD + "\r\n")):
        file.write_text(text, encoding="utf-8")
        file.chmod(0o600)
    if imported:
        keys.import_keystore(path, source, PASSWORD)
        assert keys.address_of(path) == account.address
    config = AccountConfig(keystore=path if imported else source, password_file=password)
    assert address_of(config) == account.address
    assert open_signer(config).address == account.address


def test_an_address_that_is_none_or_anothers(path: Path, tmp_path: Path) -> None:
    content = Account.encrypt(Account.create().key, PASSWORD, iterations=LIGHT)
    source = tmp_path / "wallet.json"
    for address, said in (
        ("me@example.org", "which is no address"),
        ("00" * 20, "holds the key of"),
        (5, "no address"),
    ):
        source.write_text(json.dumps({**content, "address": address}))
        with pytest.raises(KeystoreError, match=said):
            keys.import_keystore(path, source, PASSWORD)
    assert not path.exists()


def test_passwords_in_files_of_other_systems(tmp_path: Path) -> None:
    file = tmp_path / "password"
    for content in (b"\xef\xbb\xbfgeheim\r\n", b"geheim\n", b"geheim"):
        file.write_bytes(content)
        file.chmod(0o600)
        assert keys.read_password(file) == "geheim"
    for content in ("geheim\n".encode("utf-16"), "geheim".encode("utf-16-le"), "gehe\xefm".encode("latin-1")):
        file.write_bytes(content)
        with pytest.raises(PasswordError, match="is not UTF-8"):
            keys.read_password(file)


@pytest.mark.parametrize("prefix", ["", "0x", "  0x"])
def test_import_a_private_key(path: Path, prefix: str) -> None:
    account = keys.import_key(path, prefix + VECTOR_KEY + "\n", PASSWORD, LIGHT)
    assert account.address == Account.from_key(VECTOR_KEY).address
    assert Account.decrypt(json.loads(path.read_text()), PASSWORD).hex() == VECTOR_KEY


@pytest.mark.parametrize("text", ["", "0x", VECTOR_KEY[:-2], VECTOR_KEY + "00", "zz" * 32, "00" * 32, "ff" * 32])
def test_what_is_no_private_key(path: Path, text: str) -> None:
    with pytest.raises(KeystoreError, match="no private key") as wrong:
        keys.import_key(path, text, PASSWORD, LIGHT)
    assert not text or text not in str(wrong.value)
    assert wrong.value.__cause__ is None
    assert not path.exists()


def test_a_key_is_never_overwritten(path: Path) -> None:
    account = keys.create(path, PASSWORD, LIGHT)
    before = path.read_bytes()
    for again in (
        lambda: keys.create(path, PASSWORD, LIGHT),
        lambda: keys.import_key(path, VECTOR_KEY, PASSWORD, LIGHT),
        lambda: keys.save(path, account, PASSWORD, LIGHT),
    ):
        with pytest.raises(KeystoreError, match="is not overwritten"):
            again()
    assert path.read_bytes() == before


def test_another_password_for_the_same_key(path: Path, tmp_path: Path) -> None:
    account = keys.create(path, PASSWORD, LIGHT)
    with pytest.raises(PasswordError, match="at least 8"):
        keys.change_password(path, PASSWORD, "short", LIGHT)
    with pytest.raises(PasswordError, match="wrong password"):
        keys.change_password(path, "another one entirely", PASSWORD, LIGHT)
    assert keys.load(path, PASSWORD).key == account.key
    path.chmod(0o400)
    assert keys.change_password(path, PASSWORD, "the new password", LIGHT).address == account.address
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and [*path.parent.iterdir()] == [path]
    assert keys.load(path, "the new password").key == account.key
    with pytest.raises(PasswordError):
        keys.load(path, PASSWORD)
    with pytest.raises(KeystoreError, match="there is no keystore"):
        keys.change_password(tmp_path / "none.json", PASSWORD, PASSWORD)


def test_a_new_password_is_never_the_one_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDNODE_PASSWORD", PASSWORD)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(PasswordError, match="--new-password-file"):
        keys.read_new_password()
    file = tmp_path / "new.txt"
    file.touch(mode=0o600)
    file.write_text("the new password\n")
    assert keys.read_new_password(file) == "the new password"


def test_wrong_password(path: Path) -> None:
    keys.create(path, PASSWORD, LIGHT)
    with pytest.raises(PasswordError, match="wrong password for the keystore") as wrong:
        keys.load(path, "not " + PASSWORD)
    assert PASSWORD not in str(wrong.value)
    with pytest.raises(PasswordError, match="at least 8"):
        keys.create(path.with_name("b"), "short")


def test_others_may_not_read_it(path: Path, tmp_path: Path) -> None:
    keys.create(path, PASSWORD, LIGHT)
    for mode in (0o640, 0o604, 0o660):
        path.chmod(mode)
        with pytest.raises(KeystoreError, match=f"chmod 600 {path}"):
            keys.load(path, PASSWORD)
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    file.chmod(0o644)
    with pytest.raises(PasswordError, match="chmod 600"):
        keys.read_password(file)


def test_damaged_and_missing(path: Path) -> None:
    with pytest.raises(KeystoreError, match="there is no keystore"):
        keys.load(path, PASSWORD)
    with pytest.raises(KeystoreError, match="account new"):
        keys.address_of(path)
    account = keys.create(path, PASSWORD, LIGHT)
    whole = json.loads(path.read_text())
    damaged = [
        "",
        "{",
        "[]",
        "{}",
        '"x"',
        json.dumps({**whole, "crypto": {}}),
        json.dumps({**whole, "crypto": []}),
        json.dumps({**whole, "version": 9}),
        json.dumps({**whole, "crypto": {**whole["crypto"], "kdf": "none"}}),
        json.dumps({**whole, "crypto": {**whole["crypto"], "ciphertext": "zz"}}),
        json.dumps({**whole, "address": "00" * 20}),
    ]
    for text in damaged:
        path.write_text(text)
        with pytest.raises(KeystoreError, match=r"node\.json"):
            keys.load(path, PASSWORD)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(KeystoreError):
        keys.load(path, PASSWORD)
    path.unlink()
    path.mkdir(mode=0o700)
    with pytest.raises(KeystoreError, match="not a file"):
        keys.load(path, PASSWORD)
    with pytest.raises(KeystoreError):
        keys.save(path, account, PASSWORD, LIGHT)


def test_password_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "password"
    file.write_text("from file \nsecond line\n")
    file.chmod(0o600)
    monkeypatch.setenv("FEDNODE_PASSWORD", "from environment")
    assert keys.read_password(file) == "from file "
    assert keys.read_password() == "from environment"
    monkeypatch.setenv("FED_PASSWORD_FILE", str(file))
    assert keys.read_password() == "from file "
    monkeypatch.delenv("FED_PASSWORD_FILE")
    monkeypatch.delenv("FEDNODE_PASSWORD")
    credential = tmp_path / "fed-password"
    credential.write_text("from systemd\n")
    credential.chmod(0o600)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert keys.read_password() == "from systemd"
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    monkeypatch.setattr("sys.stdin", io.StringIO("piped"))
    with pytest.raises(PasswordError, match="FED_PASSWORD_FILE"):
        keys.read_password()
    file.write_text("\n")
    with pytest.raises(PasswordError, match="is empty"):
        keys.read_password(file)
    with pytest.raises(PasswordError, match="there is no password file"):
        keys.read_password(tmp_path / "nowhere")


def test_a_credential_that_cannot_be_looked_at_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container where systemd may not mount: it was an error that nobody foresaw. Root may enter every folder,
    so here the name is too long."""
    for name in ("FED_PASSWORD_FILE", "FEDNODE_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / ("n" * 300)))
    with pytest.raises(PasswordError, match=r"the password file .*/fed-password cannot be read: "):
        keys.read_password()


@pytest.mark.process
def test_asks_at_a_terminal() -> None:
    """In a real pseudo-terminal: asked for, twice to confirm, and not echoed."""
    code = "from fedprotocol.chain.account.keys import read_password; print(len(read_password(confirm=True)))"
    for second, expected in ((PASSWORD, str(len(PASSWORD))), ("other", "the two passwords differ")):
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ.pop("FEDNODE_PASSWORD", None)
            os.execv(sys.executable, [sys.executable, "-c", code])  # noqa: S606
        said = b""
        for question, answer in ((b"keystore: ", PASSWORD), (b"more: ", second)):
            while question not in said:
                said += os.read(terminal, 1024)
            os.write(terminal, answer.encode() + b"\n")
        while expected.encode() not in said:
            said += os.read(terminal, 1024)
        os.close(terminal)
        os.waitpid(pid, 0)
        assert PASSWORD.encode() not in said
