"""The case against a live proposal from what one has oneself: the inputs and the right global, in the own store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fedprotocol.car import Leaves
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.chain.read.snapshot import RoundState
from fedprotocol.store.base import Store
from fedprotocol.types import Proposal

from fedaggregator.compute.inputs import contributions, global_shape, recompute, rule_of
from fedaggregator.disputes.case import Case, build
from fedaggregator.disputes.proposed_leaves import ProposalUnreadable, proposed_digests


def gather(events: EventIndex, store: Store, state: RoundState, own: Leaves, proposal: Proposal) -> Case | None:
    """The case against `proposal` in a round whose right global is `own`; None if the proposal is right.

    Raises:
        ProposalUnreadable: its leaf digests cannot be had, so no leaf of it can be opened.
        StaleCase: `own` does not follow from the round's accepted updates.
        InputsMissing, StoreError, RuleError, ChainError: see there.
    """
    if proposal.root == own.root:
        return None
    coordinator = events.coordinator
    digests = proposed_digests(events, state.number, proposal.proposer, proposal.root)
    config, rule = coordinator.config(), rule_of(coordinator)
    with (
        store.get(state.view.prior_root, global_shape(config, rule)) as prior,
        contributions(store, config, state) as given,
    ):
        return build(rule, config, state, prior, given, own, proposal.root, digests)


@dataclass(frozen=True)
class Examined:
    """One live proposal held to a recomputation of its round. Wrong without a case: `why` says what is missing."""

    proposal: Proposal
    right: bool
    case: Case | None = None
    why: str = ""


def examine(events: EventIndex, store: Store, state: RoundState, scratch: Path) -> Iterator[Examined]:
    """Every live proposal of a round, oldest first; the round is recomputed in the folder `scratch`.

    Raises InputsMissing, StoreError, MergeError, RuleError, ChainError.
    """
    coordinator = events.coordinator
    with (
        store.get(state.view.prior_root, global_shape(coordinator.config(), rule_of(coordinator))) as prior,
        recompute(coordinator, store, state, prior, scratch / f"round-{state.number}.leaves") as own,
    ):
        for proposal in state.proposals:
            try:
                case = gather(events, store, state, own, proposal)
            except ProposalUnreadable as error:
                yield Examined(proposal, right=False, why=str(error))
            else:
                yield Examined(proposal, right=case is None, case=case)
