"""An account's key in an encrypted keystore (Web3 Secret Storage v3, as geth and every wallet have it).

Neither a key nor a password is ever part of a message.
"""

from __future__ import annotations

import getpass
import json
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_keys.constants import SECPK1_N
from eth_typing import ChecksumAddress
from web3 import Web3

from fedprotocol.errors import FedError
from fedprotocol.private import OTHERS, create_private

PASSWORD_VARIABLE = "FEDNODE_PASSWORD"  # noqa: S105 (a variable's name)
SHORTEST_PASSWORD = 8


class KeystoreError(FedError):
    """The keystore cannot be used: missing, readable by others, damaged, there already."""


class PasswordError(FedError):
    """No password, a wrong one, or a password file that others can read."""


def create(path: Path, password: str, iterations: int | None = None) -> LocalAccount:
    """A new random key, encrypted into `path` (mode 0600). Errors: those of `save`."""
    account: LocalAccount = Account.create()
    save(path, account, password, iterations)
    return account


def import_key(path: Path, private_key: str, password: str, iterations: int | None = None) -> LocalAccount:
    """Encrypt a private key (64 hex digits, with or without 0x) into `path`. Raises KeystoreError also for no key."""
    try:
        account = _account(bytes.fromhex(private_key.strip().removeprefix("0x")))
    except ValueError:
        raise KeystoreError("that is no private key: 64 hex digits are expected") from None
    save(path, account, password, iterations)
    return account


def import_keystore(path: Path, source: Path, password: str) -> LocalAccount:
    """Copy another wallet's keystore into `path` once `password` opens it."""
    account = _decrypt(source, _read(source), password)
    _write_new(path, source.read_text(encoding="utf-8"))
    return account


def save(path: Path, account: LocalAccount, password: str, iterations: int | None = None) -> None:
    """Encrypt `account` into a new file; the disk has it when this returns.

    Args:
        iterations: scrypt's N; the default of eth-account (2^18) takes about a second and 256 MiB.

    Raises:
        KeystoreError: the file is there already (a key is never overwritten), or cannot be written.
        PasswordError: the password is shorter than 8 characters.
    """
    if len(password) < SHORTEST_PASSWORD:
        raise PasswordError(f"the password must have at least {SHORTEST_PASSWORD} characters")
    _refuse_existing(path)
    _write_new(path, json.dumps(account.encrypt(password, iterations=iterations)))


def load(path: Path, password: str) -> LocalAccount:
    """The account of a keystore that only its owner can read. Raises KeystoreError, PasswordError."""
    _refuse_readable(path, KeystoreError)
    return _decrypt(path, _read(path), password)


def address_of(path: Path) -> ChecksumAddress:
    """The address that a keystore says it is for, without a password."""
    address = _read(path).get("address")
    if not isinstance(address, str) or not Web3.is_address(address):
        raise KeystoreError(f"the keystore {path} names no address: it needs its password to say whose it is")
    return Web3.to_checksum_address(address)


def read_password(file: Path | None = None, prompt: str = "Password of the keystore: ", confirm: bool = False) -> str:
    """From `file` (its first line), else from FEDNODE_PASSWORD, else asked for at the terminal (twice to `confirm`).

    Raises PasswordError: none to be had, or the file is missing or readable by others.
    """
    if file is not None:
        _refuse_readable(file, PasswordError)
        lines = file.read_text(encoding="utf-8").splitlines()
        if not lines or not lines[0]:
            raise PasswordError(f"the password file {file} is empty")
        return lines[0]
    if password := os.environ.get(PASSWORD_VARIABLE):
        return password
    if not sys.stdin.isatty():
        raise PasswordError(f"no password: name a password file, set {PASSWORD_VARIABLE}, or use a terminal")
    password = getpass.getpass(prompt)
    if confirm and getpass.getpass("Once more: ") != password:
        raise PasswordError("the two passwords differ")
    return password


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise KeystoreError(f"there is no keystore {path}: make one with `account new` or `account import`") from None
    except (OSError, ValueError) as error:
        raise KeystoreError(f"{path} is not a readable keystore ({type(error).__name__})") from None
    if not isinstance(content, dict) or not {"crypto", "Crypto"} & content.keys():
        raise KeystoreError(f"{path} is not a keystore: it has no `crypto` section")
    return content


def _decrypt(path: Path, content: Mapping[str, Any], password: str) -> LocalAccount:
    try:
        account = _account(bytes(Account.decrypt(dict(content), password)))
    except ValueError as error:
        if "MAC mismatch" in str(error):
            raise PasswordError(f"wrong password for the keystore {path}") from None
        raise KeystoreError(f"the keystore {path} is damaged ({error})") from None
    except Exception as error:  # eth-keyfile lets whatever a damaged field causes through
        raise KeystoreError(f"the keystore {path} is damaged ({type(error).__name__})") from None
    stated = content.get("address")
    if isinstance(stated, str) and stated.lower().removeprefix("0x") != account.address.lower().removeprefix("0x"):
        raise KeystoreError(f"the keystore {path} says it is for {stated} and holds the key of {account.address}")
    return account


def _account(key: bytes) -> LocalAccount:
    """Raises ValueError for what is no key of secp256k1 (eth-account lets zero through)."""
    if len(key) != 32 or not 0 < int.from_bytes(key, "big") < SECPK1_N:
        raise ValueError("not a private key")
    account: LocalAccount = Account.from_key(key)
    return account


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise KeystoreError(f"{path} exists and is not overwritten: choose another file, or move it away first")


def _refuse_readable(path: Path, error: type[FedError]) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise error(f"there is no file {path}") from None
    except OSError as problem:
        raise error(f"{path} cannot be read: {problem.strerror}") from None
    if not stat.S_ISREG(mode):
        raise error(f"{path} is not a file")
    if mode & OTHERS:
        raise error(f"others may read {path}: run chmod 600 {path}")


def _write_new(path: Path, text: str) -> None:
    """Whole or not at all: linked into place only when it is on the disk."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with create_private(draft) as out:
                out.write(text.encode())
                out.flush()
                os.fsync(out.fileno())
            os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except FileExistsError:
        _refuse_existing(path)
        raise KeystoreError(f"{path.parent} is not a folder") from None
    except OSError as error:
        raise KeystoreError(f"the keystore {path} cannot be written: {error.strerror}") from error
