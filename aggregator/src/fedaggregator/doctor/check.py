"""What a check raises, and the command that repairs it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fedprotocol.chain.account.keys import KeystoreError
from fedprotocol.chain.account.signer import NoAccount
from fedprotocol.chain.errors import ChainError, NoContract, NotACoordinator, WrongChain
from fedprotocol.chain.read.trust import ForeignCode
from fedprotocol.config import ConfigError
from fedprotocol.errors import FedError
from fedprotocol.spec import SpecError, SpecMismatch
from fedprotocol.store.base import StoreError

EDITOR = "${EDITOR:-vi}"  # works as printed, whether the variable is set or not
Keys = Sequence[tuple[type[FedError], str]]
KEYS: Keys = (
    (ConfigError, "[store] announce"),
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
)
"""Errors and the settings that cause them, more special kinds first."""


class NotFit(FedError):
    """Something is wrong; the message says what, `fix` is the command that changes it."""

    def __init__(self, message: str, fix: str) -> None:
        self.fix = fix
        super().__init__(message)


@dataclass(frozen=True)
class Commands:
    """Command lines for the one who reads the result. `program`: whose doctor it is; `file`: its config."""

    program: str
    file: Path

    def edit(self, key: str) -> str:
        """Change a setting of the config."""
        return f"{EDITOR} {quoted(self.file)}  # {key}"

    def command(self, *arguments: str) -> str:
        """Another command with this config."""
        return " ".join([self.program, *arguments, "-c", quoted(self.file)])

    def fix_of(self, error: Exception, keys: Keys = KEYS) -> str:
        """What repairs what a check raised, or edits the setting which causes it."""
        if isinstance(error, NotFit):
            return error.fix
        return self.edit(next((key for kind, key in keys if isinstance(error, kind)), "what the message names"))


def quoted(path: Path | str) -> str:
    return shlex.quote(str(path))
