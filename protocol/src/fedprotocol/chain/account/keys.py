"""An account's key in an encrypted keystore (Web3 Secret Storage v3, which geth and every wallet can read). No message
ever contains a key or a password.
"""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_keys.constants import SECPK1_N
from eth_typing import ChecksumAddress
from eth_utils.address import is_hex_address
from web3 import Web3

from fedprotocol.errors import FedError
from fedprotocol.files.private import require_private
from fedprotocol.files.secret import secret_in
from fedprotocol.files.text import NotText, read_text
from fedprotocol.files.whole import PRIVATE, write_whole
from fedprotocol.foreign_errors import told_as
from fedprotocol.printable import printable

PASSWORD_VARIABLE = "FEDNODE_PASSWORD"  # noqa: S105 (a variable's name)
FILE_VARIABLE = "FED_PASSWORD_FILE"
CREDENTIAL = "fed-password"  # https://systemd.io/CREDENTIALS
SHORTEST_PASSWORD = 8


class KeystoreError(FedError):
    """The keystore cannot be used: missing, readable by others, damaged, there already."""

    needs_person = True


class NamesNoAddress(KeystoreError):
    """A keystore that does not name its address, so that its password is needed to find it out."""


class PasswordError(FedError):
    """No password, a wrong one, or a password file that others can read."""

    needs_person = True


def create(path: Path, password: str, iterations: int | None = None) -> LocalAccount:
    """A new random key, encrypted into `path` (mode 0600). Errors: those of `save`."""
    account: LocalAccount = Account.create()
    save(path, account, password, iterations)
    return account


def import_key(path: Path, private_key: str, password: str, iterations: int | None = None) -> LocalAccount:
    """Encrypt a private key (64 hex digits, with or without 0x) into `path`. Raises KeystoreError, also if the text is
    no key."""
    try:
        account = _account(bytes.fromhex(private_key.strip().removeprefix("0x")))
    except ValueError:
        raise KeystoreError("that is no private key: 64 hex digits are expected") from None
    save(path, account, password, iterations)
    return account


def import_keystore(path: Path, source: Path, password: str) -> LocalAccount:
    """Copy another wallet's keystore into `path` if `password` opens it. The copy names its address, which some wallets
    (Foundry) leave out, so that programs which only look need no password. Raises KeystoreError, PasswordError."""
    _refuse_existing(path)
    content = _read(source)
    account = _decrypt(source, content, password)
    rest = {key: value for key, value in content.items() if key.lower() != "address"}
    _write_new(path, json.dumps({"address": account.address.removeprefix("0x").lower(), **rest}))
    return account


def save(path: Path, account: LocalAccount, password: str, iterations: int | None = None) -> None:
    """Encrypt `account` into a new file, which is on the disk when this returns.

    Args:
        iterations: scrypt's N; the default of eth-account (2^18) takes about a second and 256 MiB.

    Raises:
        KeystoreError: the file is there already (a key is never overwritten), or cannot be written.
        PasswordError: the password is shorter than 8 characters.
    """
    _refuse_short(password)
    _refuse_existing(path)
    with told_as(KeystoreError, f"the keystore {path} cannot be made"):
        content = account.encrypt(password, iterations=iterations)
    _write_new(path, json.dumps(content))


def change_password(path: Path, before: str, after: str, iterations: int | None = None) -> LocalAccount:
    """Encrypt the key in `path` with another password, in the same file; it is replaced whole, and only by what opens.

    Args:
        before: what opens it now.
        after: what opens it from now on.
        iterations: as of `save`.

    Raises:
        KeystoreError: it is missing, damaged, or cannot be written.
        PasswordError: `before` is wrong, or `after` is shorter than 8 characters.
    """
    account = load(path, before)
    _refuse_short(after)
    with told_as(KeystoreError, f"the keystore {path} cannot be made"):
        content = account.encrypt(after, iterations=iterations)
    _decrypt(path, content, after)
    try:
        write_whole(path, json.dumps(content), PRIVATE)
    except OSError as error:
        raise KeystoreError(f"the keystore {path} cannot be written: {error.strerror}") from error
    return account


def load(path: Path, password: str) -> LocalAccount:
    """The account of a keystore that only its owner can read. Raises KeystoreError, PasswordError."""
    require_private(path, "keystore", KeystoreError)
    return _decrypt(path, _read(path), password)


def address_of(path: Path) -> ChecksumAddress:
    """The address that a keystore names; this needs no password. Raises KeystoreError, and NamesNoAddress."""
    address = _stated(_read(path))
    if address is None:
        raise NamesNoAddress(
            f"the keystore {path} names no address: `fednode account import {path}` makes a copy that does"
        )
    return address


def read_password(file: Path | None = None, prompt: str = "Password of the keystore: ", confirm: bool = False) -> str:
    """The password: the first line of `file`, else of the file that FED_PASSWORD_FILE names; else FEDNODE_PASSWORD;
    else the first line of systemd's credential `fed-password`; else what is typed at the terminal (twice if `confirm`).
    Raises PasswordError if there is none, or if the file is missing or readable by others.
    """
    named = os.environ.get(FILE_VARIABLE)
    if file is not None or named:
        return secret_in(file or Path(str(named)).expanduser(), "password file", PasswordError)
    if password := os.environ.get(PASSWORD_VARIABLE):
        return password
    credential = Path(os.environ.get("CREDENTIALS_DIRECTORY", "/nowhere"), CREDENTIAL)
    if _may_be_there(credential):
        return secret_in(credential, "password file", PasswordError)
    if not sys.stdin.isatty():
        raise PasswordError(f"no password: name a password file in the config or by {FILE_VARIABLE}, or use a terminal")
    password = getpass.getpass(prompt)
    if confirm and getpass.getpass("Once more: ") != password:
        raise PasswordError("the two passwords differ")
    return password


def _may_be_there(file: Path) -> bool:
    try:
        return file.exists()
    except OSError:  # the folder may not be entered: whoever reads the file is told so
        return True


def read_new_password(file: Path | None = None) -> str:
    """From `file` (its first line), else asked for twice at the terminal; never from the environment, which has the old
    one. Raises PasswordError."""
    if file is not None:
        return read_password(file)
    if not sys.stdin.isatty():
        raise PasswordError("no new password: name a file with --new-password-file, or use a terminal")
    password = getpass.getpass("New password: ")
    if getpass.getpass("Once more: ") != password:
        raise PasswordError("the two passwords differ")
    return password


def _refuse_short(password: str) -> None:
    if len(password) < SHORTEST_PASSWORD:
        raise PasswordError(f"the password must have at least {SHORTEST_PASSWORD} characters")


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(read_text(path))
    except FileNotFoundError:
        raise KeystoreError(
            f"there is no keystore {path}: `fednode account new` or `fednode account import` makes one"
        ) from None
    except NotText as error:
        raise KeystoreError(f"the keystore {path} {error}") from None
    except OSError as error:
        raise KeystoreError(f"the keystore {path} cannot be read: {error.strerror}") from None
    except Exception as error:  # the library's message is left out, because it may contain what is in the file
        raise KeystoreError(f"{path} is not a readable keystore ({type(error).__name__})") from None
    if not isinstance(content, dict) or "crypto" not in map(str.lower, content):
        raise KeystoreError(f"{path} is not a keystore: it has no `crypto` section")
    return content


def _decrypt(path: Path, content: Mapping[str, Any], password: str) -> LocalAccount:
    try:
        account = _account(bytes(Account.decrypt(dict(content), password)))
    except ValueError as error:
        if str(error) in ("MAC mismatch", "Checksum mismatch"):  # of version 3 and 4
            raise PasswordError(f"wrong password for the keystore {path}") from None
        raise KeystoreError(f"the keystore {path} is damaged, or of an unknown kind ({error})") from None
    except MemoryError:
        raise KeystoreError(f"the keystore {path} takes more memory to open than there is") from None
    except Exception as error:  # eth-keyfile lets through any exception that a damaged field causes
        kind = type(error).__name__
        raise KeystoreError(f"the keystore {path} is damaged, or of an unknown kind ({kind})") from None
    stated = _stated(content)
    if stated is not None and stated != account.address:
        raise KeystoreError(f"the keystore {path} says it is for {stated} and holds the key of {account.address}")
    return account


def _stated(content: Mapping[str, Any]) -> ChecksumAddress | None:
    """The address that a keystore names, with or without 0x, in upper or lower case. Raises KeystoreError."""
    found = next((value for key, value in content.items() if key.lower() == "address"), None)
    if found is None or found == "":
        return None
    digits = str(found).lower().removeprefix("0x")
    if not is_hex_address(f"0x{digits}"):
        raise KeystoreError(f"the keystore says it is for {printable(str(found), 60)}, which is no address")
    return Web3.to_checksum_address(f"0x{digits}")


def _account(key: bytes) -> LocalAccount:
    """Raises ValueError for a number that is no key of secp256k1 (eth-account lets zero through)."""
    if len(key) != 32 or not 0 < int.from_bytes(key, "big") < SECPK1_N:
        raise ValueError("not a private key")
    account: LocalAccount = Account.from_key(key)
    return account


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise KeystoreError(f"{path} exists and is not overwritten: choose another file, or move it away first")


def _write_new(path: Path, text: str) -> None:
    try:
        write_whole(path, text, PRIVATE, new=True)
    except FileExistsError:
        _refuse_existing(path)
        raise KeystoreError(f"{path.parent} is not a folder") from None
    except OSError as error:
        raise KeystoreError(f"the keystore {path} cannot be written: {error.strerror}") from error
