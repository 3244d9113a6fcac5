"""What the explorer shows, and from where it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fedprotocol.config import ChainConfig, StoreConfig

from fedexplorer.given.score_files import ScoreFiles


@dataclass(frozen=True)
class Shown:
    """What is said on the pages besides what chain and store say.

    Args:
        title: what the federation is called; empty: by the coordinator's address.
        names: what accounts are called, by checksummed address.
        scores: where evaluations of its globals are written down.
    """

    title: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    scores: ScoreFiles = field(default_factory=ScoreFiles)


@dataclass(frozen=True)
class Settings:
    """Everything but where it is served.

    Args:
        home: this federation's folder in the cache; whatever is in it can be made again.
        store: where content is read from, and only read; None: it cannot be shown.
        cache: the most bytes of copies on disk.
    """

    home: Path
    chain: ChainConfig
    store: StoreConfig | None
    shown: Shown = field(default_factory=Shown)
    cache: int = 2 << 30

    @property
    def names_store(self) -> bool:
        """Whether there is a place to read from before participants announce any on the chain."""
        return self.store is not None and self.store.url != f"dir:{self.content}"

    @property
    def events(self) -> Path:
        """The coordinator's events, read so far (SQLite)."""
        return self.home / "events.sqlite"

    @property
    def transfers(self) -> Path:
        """The token's transfers to and from the coordinator (SQLite)."""
        return self.home / "transfers.sqlite"

    @property
    def transactions(self) -> Path:
        """Transactions and blocks that somebody looked at (SQLite)."""
        return self.home / "transactions.sqlite"

    @property
    def content(self) -> Path:
        """Verified copies of updates and globals."""
        return self.home / "content"
