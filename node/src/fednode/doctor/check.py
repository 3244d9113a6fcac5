"""What a node's checks look at, and the command that repairs what they find."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fedaggregator.doctor.check import KEYS as SHARED_KEYS
from fedaggregator.doctor.check import Commands, Keys, NotFit, quoted

from fednode.base_model import BaseModelError
from fednode.daemon.status import Status, read_status
from fednode.data.plain_text import EncodingError
from fednode.session import Session
from fednode.workers.workers import WorkersEnded, WorkersFailed

__all__ = ["NotFit", "Patient", "fix_of", "quoted"]

KEYS: Keys = (
    *SHARED_KEYS,
    (BaseModelError, "[model]"),
    (EncodingError, "[model] source"),
    (WorkersEnded, "[training] launch"),
    (WorkersFailed, "[training] launch"),
)


@dataclass(frozen=True)
class Patient:
    """What is looked at: what the config opens, and its `file`."""

    session: Session
    file: Path

    @property
    def say(self) -> Commands:
        return Commands("fednode", self.file)

    def edit(self, key: str) -> str:
        """Change a setting of the config."""
        return self.say.edit(key)

    def fednode(self, *arguments: str) -> str:
        """Another command with this config."""
        return self.say.command(*arguments)

    def running(self) -> Status | None:
        """What the node says, if one runs in this home."""
        status = read_status(self.session.config.status)
        return status if status is not None and status.is_running else None


def fix_of(error: Exception, patient: Patient) -> str:
    """The command that repairs what a check raised, or that edits the setting which causes it."""
    return patient.say.fix_of(error, KEYS)
