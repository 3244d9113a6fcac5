"""What a node's checks look at, and the command that repairs what they find."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from fedprotocol.chain.account.keys import KeystoreError
from fedprotocol.chain.account.signer import NoAccount
from fedprotocol.chain.errors import ChainError, NoContract, NotACoordinator, WrongChain
from fedprotocol.chain.read.trust import ForeignCode
from fedprotocol.errors import FedError
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
)
"""Errors and the settings that cause them, more special kinds first."""


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

    def fednode(self, *arguments: str) -> str:
        """Another command with this config."""
        return " ".join(["fednode", *arguments, "-c", quoted(self.file)])

    def running(self) -> Status | None:
        """What the node says, if one runs in this home."""
        status = read_status(self.session.config.status)
        return status if status is not None and status.is_running else None


def fix_of(error: Exception, patient: Patient) -> str:
    """The command that repairs what a check raised, or that edits the setting which causes it."""
    if isinstance(error, NotFit):
        return error.fix
    key = next((key for kind, key in KEYS if isinstance(error, kind)), "what the message names")
    return patient.edit(key)


def quoted(path: Path | str) -> str:
    return shlex.quote(str(path))
