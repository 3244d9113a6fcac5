"""Reads from the chain's log and the own store what a proposal is judged by, and prepares the case against a wrong
one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.chain.read.snapshot import RoundState
from fedprotocol.chain.send.gas import advisory
from fedprotocol.leaves import Leaves
from fedprotocol.store.base import Store
from fedprotocol.store.deadline import Deadline
from fedprotocol.tree import cid
from fedprotocol.types import Proposal

from fedaggregator.compute.inputs import accepted, contributions, global_shape, recompute, rule_of
from fedaggregator.disputes.case import Case, build
from fedaggregator.disputes.impeachment import Impeachment, impeach
from fedaggregator.disputes.judge import Claim, Right, Verdict, Wrong, WrongLeaf, judge
from fedaggregator.disputes.leaf_case import StaleCase
from fedaggregator.disputes.price import CaseSize
from fedaggregator.disputes.proposed_leaves import ProposalUnreadable, proposed_digests

OpenOwn = Callable[[], AbstractContextManager[Leaves]]
"""Opens the round's global that was recomputed here."""


def judge_proposal(
    events: EventIndex, state: RoundState, proposer: str, root: bytes, own_root: bytes, open_own: OpenOwn
) -> Verdict:
    """The verdict on the proposal of `root`, with its first wrong leaf if the log shows its leaves. For a right one
    nothing is read, and `open_own` is called only if there are leaves to compare with. Raises the errors of `open_own`,
    DisputeError, RuleError, ChainError.
    """
    return _judged(events, state, proposer, root, own_root, open_own)[1]


def gather(events: EventIndex, store: Store, state: RoundState, own: Leaves, proposal: Proposal) -> Case:
    """The case against a wrong `proposal` in a round whose right global is `own`.

    Raises:
        ProposalUnreadable: its leaf digests cannot be read, so no leaf can be proved wrong.
        StaleCase: the proposal is right after all, or `own` does not follow from the round's accepted updates.
        InputsMissing, StoreError, RuleError, ChainError, DisputeError: see there.
    """
    claim, verdict = _judged(events, state, proposal.proposer, proposal.root, own.root, lambda: nullcontext(own))
    if not isinstance(verdict, Wrong):
        raise StaleCase(f"round {state.number}: {cid(proposal.root)} was judged wrong and {verdict}")
    if verdict.first is None:
        raise ProposalUnreadable(verdict.unreadable)
    return _case(events.coordinator, store, state, claim, verdict.first)


def gather_impeachment(
    coordinator: Coordinator, store: Store, state: RoundState, leaf: int, deadline: Deadline
) -> Impeachment:
    """What makes a masked round void by the sums of its updates at `leaf`, which `merge` found (`Garbage`).

    Raises StaleCase, InputsMissing, StoreError, RuleError, ChainError.
    """
    config = coordinator.config()
    with contributions(store, config, state, deadline) as given:
        return impeach(rule_of(coordinator), config, state, given, leaf)


@dataclass(frozen=True)
class Examined:
    """One live proposal, the verdict on it, and the case against it if its first wrong leaf is known."""

    proposal: Proposal
    verdict: Verdict
    case: Case | None = None


def examine(events: EventIndex, store: Store, state: RoundState, scratch: Path) -> Iterator[Examined]:
    """Judge every live proposal of a round, oldest first; the round is recomputed in the folder `scratch`.

    Raises InputsMissing, StoreError, MergeError, DisputeError, RuleError, ChainError.
    """
    coordinator = events.coordinator
    with (
        store.get(state.view.prior_root, global_shape(coordinator.config(), rule_of(coordinator))) as prior,
        recompute(coordinator, store, state, prior, scratch / f"round-{state.number}.leaves") as own,
    ):
        for proposal in state.proposals:
            claim, verdict = _judged(
                events, state, proposal.proposer, proposal.root, own.root, lambda: nullcontext(own)
            )
            case = None
            if isinstance(verdict, Wrong) and verdict.first is not None:
                case = _case(coordinator, store, state, claim, verdict.first)
            yield Examined(proposal, verdict, case)


def _judged(
    events: EventIndex, state: RoundState, proposer: str, root: bytes, own_root: bytes, open_own: OpenOwn
) -> tuple[Claim, Verdict]:
    claim = Claim(root)
    by_root = judge(claim, own_root)
    if isinstance(by_root, Right):
        return claim, by_root
    try:
        claim = Claim(root, proposed_digests(events, state.number, proposer, root))
    except ProposalUnreadable as error:
        claim = Claim(root, unreadable=str(error))
        return claim, judge(claim, own_root)
    price = None
    with advisory("the price of a case"):
        price = _pricing(events.coordinator, state)
    with open_own() as own:
        return claim, judge(claim, own, price)


def _pricing(coordinator: Coordinator, state: RoundState) -> Callable[[int], CaseSize]:
    """A function from the number of the wrong leaf to what a case in this round takes."""
    config = coordinator.config()
    return partial(
        CaseSize.at_leaf,
        rule_of(coordinator),
        len(accepted(state)),
        config.leaf_values,
        config.mantissa_bits,
        config.leaf_count,
    )


def _case(coordinator: Coordinator, store: Store, state: RoundState, claim: Claim, wrong: WrongLeaf) -> Case:
    config, rule = coordinator.config(), rule_of(coordinator)
    with (
        store.get(state.view.prior_root, global_shape(config, rule)) as prior,
        contributions(store, config, state) as given,
    ):
        return build(rule, config, state, prior, given, claim, wrong)
