"""Proposing the aggregate that was computed here."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from fedaggregator.compute.confirmations import is_confirmed
from fedaggregator.disputes.judge import has_right_proposal
from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.errors import INPUTS_CHANGED, ChainError, ContractReverted
from fedprotocol.chain.read.snapshot import RoundState, Snapshot
from fedprotocol.errors import FedError
from fedprotocol.store.deadline import Deadline
from fedprotocol.tree import PAGE_LEAVES, cid
from fedprotocol.types import Phase

from fednode.daemon.action_context import Tools
from fednode.daemon.actions.action import ChainAction, Outdated, Overtaken, TooEarly
from fednode.daemon.facts import Facts
from fednode.daemon.snapshot_questions import phase_end, unsettled

log = logging.getLogger("fednode")
OWN_SECONDS = 5.0
"""Seconds for reading, in the loop itself, what must be in the own store. No other site's slowness may delay it."""
BEATEN = ("DuplicateRoot", "AlreadyProposed")  # the right proposal is live, or this account has made its one proposal


class BondMissing(FedError):
    """A proposal is due, and the account lacks the tokens for its bond."""


@dataclass(frozen=True)
class Propose(ChainAction):
    """Propose the global that was recomputed here."""

    round: int
    keeps_node_running = True

    @staticmethod
    def due(chain: Snapshot, facts: Facts) -> Iterator[Propose]:
        """A root that differs from the own result is wrong. Then the own global is proposed at once; nothing else need
        be known. If no proposal is live, it is proposed after a while."""
        for state in unsettled(chain):
            number, view = state.number, state.view
            if view.phase not in (Phase.AGGREGATE, Phase.CHALLENGE):
                continue
            own_root = facts.remembered.recomputed.get(number)
            if own_root is None or _stands(state, own_root, facts) or _mine(chain, state):
                continue
            if view.live > 0 or chain.time >= view.phase_start + facts.configured.propose_after:
                yield Propose(number)

    def describe(self) -> str:
        return f"proposing the aggregate of round {self.round}"

    def send(self, tools: Tools, chain: Snapshot, facts: Facts) -> None:
        """Also raises BondMissing, StoreError."""
        state, own_root = chain.round(self.round), facts.remembered.recomputed[self.round]
        if state is None:
            return
        _wait_for_depth(tools, state)
        tools.memory.note_proposed(self.round)
        try:
            _send_pages(tools, chain, state, own_root, facts.configured.amounts)
        except ContractReverted as error:
            if error.name in BEATEN:
                raise Overtaken("somebody else was quicker") from error
            if error.name in INPUTS_CHANGED:
                raise Outdated("its inputs changed (a re-org), it is recomputed") from error
            raise
        log.info("round %d: proposed %s", self.round, cid(own_root))


def _stands(state: RoundState, own_root: bytes, facts: Facts) -> bool:
    """Whether the own result is a live proposal, no matter who made it."""
    return state.number in facts.remembered.unseen or has_right_proposal(state, own_root)


def _mine(chain: Snapshot, state: RoundState) -> bool:
    """Whether this account has already made its one proposal of the round."""
    return any(proposal.proposer == chain.account for proposal in state.proposals)


def _wait_for_depth(tools: Tools, state: RoundState) -> None:
    """Whether the inputs lie deep enough. A proposal names its inputs, so a re-org cannot make it wrong, and waiting
    only saves the cost of sending it again. If there is a wrong proposal, or the chain's node cannot say how deep they
    lie, there is no waiting."""
    depth = tools.config.chain.confirmations
    if state.view.live > 0:
        return
    try:
        deep = is_confirmed(tools.coordinator, state, depth)
    except ChainError as error:
        log.debug("round %d: the depth of its inputs is not known: %s", state.number, error)
        return
    if not deep:
        raise TooEarly(f"{depth} blocks on top of the inputs of round {state.number}")


def _send_pages(tools: Tools, chain: Snapshot, state: RoundState, own_root: bytes, amounts: Amounts) -> None:
    """Send all pages, beginning with the first."""
    if chain.tokens < chain.bond:
        raise BondMissing(
            f"round {state.number} needs a proposal, its bond is {amounts.needed(chain.bond)} and {chain.account} has "
            f"{amounts(chain.tokens)}: send it {amounts.needed(chain.bond - chain.tokens)}"
        )
    coordinator, sender, end = tools.coordinator, tools.sender, phase_end(state)
    with tools.store.get(own_root, tools.spec.layout.global_shape, Deadline(OWN_SECONDS)) as leaves:
        digests = [leaves.digest(index) for index in range(len(leaves))]
    coordinator.token.ensure_allowance(sender, coordinator.address, chain.bond, end)
    for page, first in enumerate(range(0, len(digests), PAGE_LEAVES)):
        call = coordinator.calls.propose(
            state.number,
            state.view.inputs_hash,
            state.view.accepted_mask,
            page,
            digests[first : first + PAGE_LEAVES],
        )
        sender.send(call, f"propose page {page} in round {state.number}", end)
