"""Sends the calls of a case, starting from the sums that are already kept, and computes what they would cost."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from fedprotocol.chain.errors import ChainError, ContractReverted
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.disputes import Disputes, Proof, Step, call_name, calldata
from fedprotocol.chain.send.gas import estimated
from fedprotocol.chain.send.receipts import gas_used
from fedprotocol.chain.send.sender import Sender
from fedprotocol.types import Phase
from web3 import Web3
from web3.types import TxParams

from fedaggregator.disputes.case import Case
from fedaggregator.disputes.leaf_case import LeafCase, StaleCase, furthest, is_last, next_call, plan
from fedaggregator.disputes.price import Limits, describe_cost

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CallCost:
    """One call of a case: the accepted updates summed before and after it, its calldata in bytes, and its gas: the
    node's estimate, or an upper bound (`bound`) if other calls have to be mined before it, or the node gives no
    estimate."""

    name: str  # carry, challenge or impeach
    start: int
    stop: int
    calldata: int
    gas: int
    bound: bool


class Move(Enum):
    """The outcome of one step of a case."""

    CARRIED = "carried"  # sums are kept, and more calls follow
    PROVED = "proved"  # this call convicted the proposal, of whose bond half is owed to its sender, or voided the round
    GONE = "gone"  # nothing is left to prove: somebody else did, or it is too late


@dataclass(frozen=True)
class Conviction:
    """How a case ended. `gas` is the total of this run's calls."""

    convicted: bool  # this run's last call proved it; otherwise there was nothing left to prove
    calls: int
    gas: int


def simulate(coordinator: Coordinator, account: str, case: LeafCase, limits: Limits | None = None) -> list[CallCost]:
    """What the missing calls would cost `account`. The node simulates the next call; for the later ones there are upper
    bounds. If the proposal is no longer live, no call is missing. This is only advice: if a node does not answer, it is
    done without.

    Raises:
        StaleCase: the round's inputs changed.
        ContractReverted: the contract would refuse the next call although the proposal is live: the case is wrong.
            ChainError: the chain's node does not say which sums are kept, or whether the proposal is live.
    """
    disputes = Disputes(coordinator)
    start = furthest(case, disputes.carried(case.round, case.leaf))
    try:
        return list(_costs(coordinator, disputes, account, case, start, limits))
    except ContractReverted:
        if is_open(coordinator, case):
            raise
        return []


def _costs(
    coordinator: Coordinator, disputes: Disputes, account: str, case: LeafCase, start: int, limits: Limits | None
) -> Iterator[CallCost]:
    for call in plan(case, start, limits):
        built = disputes.call(call)
        data = calldata(built)
        gas = None
        if call.start.count == start:
            request = TxParams({"from": Web3.to_checksum_address(account), "to": disputes.address, "data": data})
            gas = estimated(coordinator.web3.eth, request, _label(case, call))
        stop = call.start.count + len(call.updates)
        yield CallCost(built.fn_name, call.start.count, stop, len(data), gas or _bound(case, call, limits), gas is None)


def _bound(case: LeafCase, call: Step | Proof, limits: Limits | None) -> int:
    """The gas that the call takes at most."""
    return case.size.call(call.start.count, len(call.updates), is_last(call), limits).gas


def _label(case: LeafCase, call: Step | Proof) -> str:
    updates = call.start.count + len(call.updates)
    return f"{call_name(call)} round {case.round} leaf {case.leaf}, {updates} updates"


def advised(coordinator: Coordinator, account: str, case: LeafCase, limits: Limits | None = None) -> str | None:
    """A sentence on what a case would cost; None if the proposal is not live any more. If the chain's node cannot
    tell, the sentence says why: no case waits for it.

    Raises:
        StaleCase: the round's inputs changed.
        ContractReverted: the contract would refuse the case although the proposal is live.
    """
    try:
        costs = simulate(coordinator, account, case, limits)
    except ContractReverted:
        raise
    except ChainError as error:
        return f"its cost is not known: {error}"
    if not costs:
        return None
    calldata, gas = sum(cost.calldata for cost in costs), sum(cost.gas for cost in costs)
    return describe_cost(len(costs), calldata, gas, any(cost.bound for cost in costs))


def advance(coordinator: Coordinator, sender: Sender, case: LeafCase, limits: Limits | None = None) -> tuple[Move, int]:
    """Send the next call that is missing in a case. Returns its outcome and its gas. It does not wait for
    confirmations: if a re-org drops the call, it is missing again at the next look.

    Raises:
        StaleCase: the round's inputs changed.
        ContractReverted: the contract refuses the call although the proposal is live.
        ChainError: see `Sender.send`; sums that were kept by then stay kept.
    """
    if not is_open(coordinator, case):
        return Move.GONE, 0
    disputes = Disputes(coordinator)
    call = next_call(case, furthest(case, disputes.carried(case.round, case.leaf)), limits)
    window_end = coordinator.round_view(case.round).phase_end or None
    try:
        receipt = sender.send(
            disputes.call(call), _label(case, call), window_end, _bound(case, call, limits), confirmed=False
        )
    except ContractReverted:
        if is_open(coordinator, case):
            raise
        return Move.GONE, 0
    return Move.PROVED if is_last(call) else Move.CARRIED, gas_used(receipt)


def convict(coordinator: Coordinator, sender: Sender, case: LeafCase, limits: Limits | None = None) -> Conviction:
    """Send the missing calls of a case until the proposal is convicted or no longer live, or the impeached round void.
    After an interruption, simply call it again. Raises the errors of `advance`.
    """
    calls = gas = 0
    while True:
        move, used = advance(coordinator, sender, case, limits)
        if move is Move.GONE:
            log.info("round %d: %s", case.round, case.gone)
            return Conviction(False, calls, gas)
        calls, gas = calls + 1, gas + used
        if move is Move.PROVED:
            return Conviction(True, calls, gas)


def is_open(coordinator: Coordinator, case: LeafCase) -> bool:
    """Whether the proposal can still be convicted, or the round be impeached. Raises StaleCase."""
    view = coordinator.round_view(case.round)
    if (view.inputs_hash, view.accepted_mask) != (case.inputs_hash, case.accepted_mask):
        raise StaleCase(f"round {case.round} has other inputs now: merge it again and compare the proposals anew")
    if not isinstance(case, Case):
        return view.phase in (Phase.AGGREGATE, Phase.CHALLENGE)
    return view.phase is Phase.CHALLENGE and coordinator.proposal(case.round, case.proposal_root) is not None
