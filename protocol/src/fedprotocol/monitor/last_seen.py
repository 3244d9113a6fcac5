"""What was last read from the chain, kept on disk: `status` shows it when the chain cannot be read."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.errors import FedError
from fedprotocol.files.whole import write_whole
from fedprotocol.program.patience import TookTooLong, within

EVERY = 5.0  # seconds between two writes of a daemon
FRESH = 15.0  # seconds in which what a running daemon has read need not be read again
PATIENCE = 3.0  # seconds that a look waits for the chain


class LastSeen(BaseModel):
    """A snapshot of `coordinator`, read at `read` (seconds since 1970), and how its token is written."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="hex", val_json_bytes="hex")

    coordinator: str
    chain: Snapshot
    read: float
    decimals: int
    symbol: str
    gas_is_free: bool = False

    @property
    def amounts(self) -> Amounts:
        return Amounts(self.decimals, self.symbol)

    def age(self, now: float | None = None) -> float:
        """Seconds since it was read."""
        return max(0.0, (time.time() if now is None else now) - self.read)


class Look(BaseModel):
    """What `status` shows of the chain. `problem`: why it could not be read now; empty if it was."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    seen: LastSeen | None
    problem: str = ""


def keep(path: Path, seen: LastSeen) -> None:
    """Write it down. A full disk is no error: only an answer in bad times is lost."""
    with suppress(OSError):
        write_whole(path, seen.model_dump_json() + "\n", synced=False)


def kept(path: Path, chain_id: int, coordinator: str, account: str | None) -> LastSeen | None:
    """What was kept of this federation, for this account (None: for any); None if there is nothing."""
    try:
        seen = LastSeen.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None
    fits = (seen.chain.chain_id, seen.coordinator) == (chain_id, coordinator)
    return seen if fits and account in (None, seen.chain.account) else None


def look(path: Path, before: LastSeen | None, is_fresh: bool, read: Callable[[], LastSeen]) -> Look:
    """The chain as it is, if it answers at once; otherwise `before`, what was kept of it in `path`.

    Args:
        path: where it is kept.
        before: what was kept.
        is_fresh: a daemon runs and keeps it up to date, so that what it has read a moment ago is enough.
        read: asks the chain.
    """
    if before is not None and is_fresh and before.age() < FRESH:
        return Look(seen=before)
    try:
        seen = within(PATIENCE, "the chain's node has not answered", read)
    except TookTooLong as error:
        return Look(seen=before, problem=f"{error}: check that it runs and the [chain] rpc setting")
    except FedError as error:
        return Look(seen=before, problem=str(error))
    keep(path, seen)
    return Look(seen=seen)


class Keeper:
    """Keeps what a daemon reads, every few seconds. `is_free`: asked once, when the account has no ether."""

    def __init__(self, path: Path, coordinator: str, amounts: Amounts, is_free: Callable[[], bool]) -> None:
        self._path = path
        self._coordinator = coordinator
        self._amounts = amounts
        self._is_free = is_free
        self._gas_is_free: bool | None = None
        self._written = 0.0

    def keep(self, chain: Snapshot, now: float) -> None:
        """`now`: seconds since 1970."""
        if 0 <= now - self._written < EVERY:
            return
        self._written = now
        if chain.eth == 0 and self._gas_is_free is None:
            self._gas_is_free = self._is_free()
        keep(
            self._path,
            LastSeen(
                coordinator=self._coordinator,
                chain=chain,
                read=now,
                decimals=self._amounts.decimals,
                symbol=self._amounts.symbol,
                gas_is_free=bool(self._gas_is_free),
            ),
        )
