"""Turns a read of the chain into figures about the federation and the account."""

from __future__ import annotations

import math
from importlib.metadata import version

from fedprotocol import metrics
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.penalties import penalties_borne
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.types import Phase


def introduce(program: str, coordinator: Coordinator, account: str) -> None:
    """Which program this is (its package's name), and for which account it works."""
    metrics.PROGRAM.info(
        {
            "program": program,
            "version": version(program),
            "account": account,
            "coordinator": coordinator.address,
            "chain_id": str(coordinator.chain_id),
        }
    )


def observe(chain: Snapshot, decimals: int, now: float) -> None:
    """Update the figures after a read of the chain. `decimals`: those of the token; `now`: seconds since 1970."""
    last = chain.round(chain.last_opened)
    metrics.ROUND.set(chain.last_opened)
    metrics.PHASE.state((Phase.NONE if last is None else last.view.phase).name.lower())
    metrics.PHASE_SECONDS.set(0 if last is None else chain.time - last.view.phase_start)
    metrics.FINAL_ROUNDS.set(chain.final_count)
    metrics.BLOCK.set(chain.block)
    metrics.CHAIN_TIME.set(chain.time)
    metrics.LAST_READ.set(now)
    metrics.ETHER.set(chain.eth / 10**18)
    metrics.TOKENS.set(chain.tokens / 10**decimals)
    metrics.OWED.set(chain.settled_owed / 10**decimals)
    metrics.STAKE.set(chain.settled_seat.stake / 10**decimals)
    borne = penalties_borne(chain) if chain.settled_seat.active_from else None
    metrics.PENALTIES_BORNE.set(math.nan if borne is None else borne)
