"""Carries attacks out, one after the other, and judges them."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from attacks.arena import Arena, Stage
from attacks.judge import Account, convictions
from attacks.row import Row


@dataclass(frozen=True)
class Result:
    """What came of one attack. `error`: why it could not be carried out, empty if it was; `logs`: a folder; `day`, of
    UTC, and `commit`: when and with which programs."""

    row: Row
    happened: str
    accounts: Sequence[Account]
    error: str
    logs: str
    seconds: float
    day: str
    commit: str

    @property
    def convictions(self) -> list[str]:
        return convictions(self.accounts)

    @property
    def is_good(self) -> bool:
        """The attack took place, no honest party was harmed and no dishonest one gained."""
        return not self.error and not self.convictions


def carry_out(stage: Stage, row: Row, commit: str = "") -> Result:
    """One row, in a new federation. KeyboardInterrupt stops its programs and goes on up."""
    started = time.monotonic()
    happened, accounts, error = "", list[Account](), ""
    with Arena(stage, row.name) as arena:
        try:
            happened = row.run(arena)
            accounts = arena.conclude(row.goes_on)
        except Exception as failure:
            error = f"{type(failure).__name__}: {failure}"
            (arena.folder / "error.txt").write_text(traceback.format_exc())
    seconds, day = time.monotonic() - started, f"{datetime.now(UTC):%Y-%m-%d}"
    return Result(row, happened, accounts, error, str(arena.folder), seconds, day, commit)
