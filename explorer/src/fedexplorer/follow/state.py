"""What was last read from the chain. Objects of this kind never change; the follower puts a new one in their place."""

from __future__ import annotations

from dataclasses import dataclass

from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.masks.document import Masking
from fedprotocol.types import FederationConfig

from fedexplorer.follow.money import Money
from fedexplorer.history.all_rounds import Rounds
from fedexplorer.history.log import Log


@dataclass(frozen=True)
class Federation:
    """What is fixed for a federation's life. `foreign`: a sentence for each of its contracts that is not one of this
    version's; what the pages say rests on such contracts. `masking`: how updates are masked, as the contract of `rule`
    says; None where they are not, and where that contract cannot be read (`rule` is "unknown" then)."""

    chain_id: int
    coordinator: str
    config: FederationConfig
    rule: str
    amounts: Amounts
    foreign: tuple[str, ...] = ()
    masking: Masking | None = None


@dataclass(frozen=True)
class Reorg:
    """The chain replaced blocks after `block`; `removed` events of theirs were forgotten. `seen` is by the wall
    clock."""

    block: int
    removed: int
    seen: float


@dataclass(frozen=True)
class State:
    """All that pages are made of.

    Args:
        log: the coordinator's events up to block `events_to`.
        snapshot: the present, as the contract's lens shows it.
        read_at: when the chain last answered, in seconds since 1970 by the wall clock.
        problem: why the chain cannot be read now; empty if it can.
        version: another one for each change that a page may show.
        money: the coordinator's money at block `events_to`.
        rounds: their histories.
        reorgs: those that were seen since the program started, the newest first.
    """

    federation: Federation
    log: Log
    snapshot: Snapshot
    events_to: int
    read_at: float
    version: int
    money: Money
    rounds: Rounds
    problem: str = ""
    reorgs: tuple[Reorg, ...] = ()

    @property
    def head(self) -> int:
        """The newest block of the chain: the snapshot is of the one after it, which is not mined yet."""
        return max(self.events_to, self.snapshot.block - 1)

    @property
    def now(self) -> int:
        """The chain's time, in seconds since 1970."""
        return self.snapshot.time
