"""What a final round pays an account: the shares of `_apply` and `_finalize` in `contracts/coordinator/Ledger.sol`."""

from __future__ import annotations

from fedprotocol.chain.read.snapshot import RoundState, Snapshot
from fedprotocol.types import Phase

BPS = 10_000  # of the reward


def payout(chain: Snapshot, state: RoundState) -> int:
    """Token units that the round pays the snapshot's account: as a client whose update was accepted and that voted, and
    as the aggregator whose proposal became final. 0 unless the round is final. Bonds and bounties are no part of it."""
    view, config = state.view, chain.config
    if view.phase is not Phase.FINAL:
        return 0
    for_aggregator = config.round_reward * config.aggregator_bps // BPS
    paid = for_aggregator if view.aggregator == chain.account else 0
    index = state.my_index
    if index is not None and state.updates[index].attested and view.accepted_mask >> index & 1:
        paid += (config.round_reward - for_aggregator) * state.updates[index].weight // view.total_weight
    return paid
