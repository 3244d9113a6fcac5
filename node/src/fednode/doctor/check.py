"""One look at one thing, and the command that repairs what it finds."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fedprotocol.chain.account.keys import KeystoreError
from fedprotocol.chain.account.signer import NoAccount
from fedprotocol.chain.errors import ChainError, NoContract, NotACoordinator, WrongChain
from fedprotocol.chain.read.trust import ForeignCode
from fedprotocol.errors import FedError
from fedprotocol.files.filesystem import is_read_only
from fedprotocol.program.terminal import unexpected
from fedprotocol.spec import SpecError, SpecMismatch
from fedprotocol.store.base import StoreError

from fednode.base_model import BaseModelError
from fednode.daemon.status import Status, read_status
from fednode.data.plain_text import EncodingError
from fednode.session import Session

KEYS: tuple[tuple[type[FedError], str], ...] = (
    (WrongChain, "[chain] chain_id, or rpc"),
    (NoContract, "[chain] coordinator"),
    (NotACoordinator, "[chain] coordinator"),
    (ForeignCode, "[chain] coordinator, or trusted_code"),
    (NoAccount, "[account] keystore, or signer and address"),
    (SpecError, "[chain] coordinator"),
    (SpecMismatch, "[chain] coordinator"),
    (ChainError, "[chain] rpc"),
    (KeystoreError, "[account] keystore"),
    (StoreError, "[store]"),
    (BaseModelError, "[model]"),
    (EncodingError, "[model] source"),
    (FedError, "what the message names"),
)
"""Errors and the settings that cause them, more special kinds first."""


@dataclass(frozen=True)
class Check:
    """One finding. `ok` None: could not be looked at, because something before it failed. `fix`: a command line."""

    name: str
    ok: bool | None
    detail: str
    fix: str = ""


class NotFit(FedError):
    """Something is wrong; the message says what, `fix` is the command that changes it."""

    def __init__(self, message: str, fix: str) -> None:
        self.fix = fix
        super().__init__(message)


@dataclass(frozen=True)
class Patient:
    """What is looked at: what the config opens, and its `file`."""

    session: Session
    file: Path

    def edit(self, key: str) -> str:
        """Change a setting of the config."""
        return f"$EDITOR {quoted(self.file)}  # {key}"

    def fednode(self, *words: str) -> str:
        """Another command with this config."""
        return " ".join(["fednode", *words, "-c", quoted(self.file)])

    def running(self) -> Status | None:
        """What the node says, if one runs in this home."""
        said = read_status(self.session.config.status)
        return said if said is not None and said.is_running else None


@dataclass(frozen=True)
class Look:
    """`needs` are the names of checks without which this one cannot be made; `at` returns what is right, or raises."""

    name: str
    needs: Sequence[str]
    at: Callable[[Patient], str]


def run(looks: Sequence[Look], patient: Patient) -> Iterator[Check]:
    failed: set[str] = set()
    for look in looks:
        missing = sorted(failed.intersection(look.needs))
        if missing:
            failed.add(look.name)
            yield Check(look.name, None, f"needs: {', '.join(missing)}")
            continue
        try:
            yield Check(look.name, True, look.at(patient))
        except FedError as error:
            failed.add(look.name)
            yield Check(look.name, False, str(error), _fix(error, patient))
        except Exception as error:  # a library's: whatever it is, the other looks are worth their while
            failed.add(look.name)
            yield Check(look.name, False, unexpected(error), patient.edit("what the message names"))


def _fix(error: FedError, patient: Patient) -> str:
    if isinstance(error, NotFit):
        return error.fix
    return patient.edit(next(key for kind, key in KEYS if isinstance(error, kind)))


def closing(path: Path) -> str:
    """The command after which nobody else may read a secret."""
    if is_read_only(path) or os.geteuid() not in (0, path.stat().st_uid):
        return f"install -m 600 {quoted(path)} COPY  # and name the copy in the config"
    return f"chmod 600 {quoted(path)}"


def quoted(path: Path | str) -> str:
    return shlex.quote(str(path))
