"""What a program must not forget (SQLite)."""

from fedprotocol.journal.journal import (
    Journal,
    JournalError,
    JournalForeign,
    JournalLocked,
    JournalVersion,
    OutboxTx,
    UpdateRecord,
    locked,
)

__all__ = [
    "Journal",
    "JournalError",
    "JournalForeign",
    "JournalLocked",
    "JournalVersion",
    "OutboxTx",
    "UpdateRecord",
    "locked",
]
