"""What `fedaggregator status` can know of the chain: what it says now, or what was last read from it."""

from __future__ import annotations

import time

from fedprotocol.chain.account.signer import address_of
from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.snapshot import take_snapshot
from fedprotocol.chain.read.trust import warnings
from fedprotocol.monitor.last_seen import LastSeen, Look, kept, look
from fedprotocol.program.terminal import warn

from fedaggregator.config import AggregatorConfig


def look_at(settings: AggregatorConfig, is_running: bool) -> Look:
    """`is_running`: an aggregator keeps what was last read up to date. Raises NoAccount, KeystoreError."""
    chain = settings.chain
    account = str(address_of(settings.account))
    before = kept(settings.last_seen, chain.chain_id, chain.coordinator, account)
    return look(settings.last_seen, before, is_running, lambda: _read(settings, account))


def _read(settings: AggregatorConfig, account: str) -> LastSeen:
    """Raises ChainError."""
    chain = settings.chain
    coordinator = Coordinator.connect(chain.rpc, chain.coordinator, chain.chain_id)
    for warning in warnings(coordinator, chain, settings.home):
        warn(warning)
    amounts = Amounts.of(coordinator.token)
    return LastSeen(
        coordinator=coordinator.address,
        chain=take_snapshot(coordinator, account),
        read=time.time(),
        decimals=amounts.decimals,
        symbol=amounts.symbol,
    )
