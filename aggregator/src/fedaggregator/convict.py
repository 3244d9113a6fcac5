"""Carries a case through the chain: what it would cost, and the calls themselves, from wherever anybody left off."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from fedprotocol.chain.coordinator import Coordinator
from fedprotocol.chain.disputes import Disputes, Proof, Step, calldata
from fedprotocol.chain.errors import ContractReverted, translated
from fedprotocol.chain.sender import Sender
from fedprotocol.chain.types import Phase
from web3 import Web3

from fedaggregator.dispute import Case, DisputeError, Limits, furthest, next_call, plan

log = logging.getLogger(__name__)


class StaleCase(DisputeError):
    """The round's inputs are no longer those of the case (a re-org): merge the round again and compare anew."""


@dataclass(frozen=True)
class CallCost:
    """One call of a case: the accepted updates summed before and after it, its calldata in bytes, its gas."""

    name: str  # carry or challenge
    start: int
    stop: int
    calldata: int
    gas: int


@dataclass(frozen=True)
class Verdict:
    """How a case ended. `gas` is what this run's calls used in all."""

    convicted: bool  # by this run's challenge; otherwise the proposal was not live any more
    calls: int
    gas: int


def simulate(coordinator: Coordinator, account: str, case: Case, limits: Limits | None = None) -> list[CallCost]:
    """What the calls that are still missing would cost `account`, each run by the node as if those before it were in.

    Raises:
        ContractReverted: the contract would refuse one of them (the case is wrong, or too late).
        RpcRefused: the node takes no state overrides with `eth_estimateGas`.
        ChainError: the chain does not answer.
    """
    disputes = Disputes(coordinator)
    start = furthest(case, disputes.carried(case.round, case.mismatch.leaf))
    return [_cost(disputes, account, case, call) for call in plan(case, start, limits)]


def _cost(disputes: Disputes, account: str, case: Case, call: Step | Proof) -> CallCost:
    contract_call = disputes.call(call)
    with translated(_label(case, call)):
        gas = contract_call.estimate_gas(
            {"from": Web3.to_checksum_address(account)},
            block_identifier="pending",
            state_override=disputes.holding(call, case.accepted_mask),
        )
    stop = call.start.count + len(call.updates)
    return CallCost(contract_call.fn_name, call.start.count, stop, len(calldata(contract_call)), gas)


def _label(case: Case, call: Step | Proof) -> str:
    name = "challenge" if isinstance(call, Proof) else "carry"
    return f"{name} round {case.round} leaf {case.mismatch.leaf}, {call.start.count + len(call.updates)} updates"


def convict(coordinator: Coordinator, sender: Sender, case: Case, limits: Limits | None = None) -> Verdict:
    """Send what is missing of a case, call by call, until the proposal is convicted or not live any more.

    Before each call the chain is read again: sums that anybody kept meanwhile are used, and a run that was interrupted
    is simply started anew.

    Raises:
        StaleCase: the round's inputs changed.
        ContractReverted: the contract refuses a call although the proposal is live.
        ChainError: see `Sender.send`; what was kept by then stays kept.
    """
    disputes = Disputes(coordinator)
    calls = gas = 0
    is_simulated = False
    while _is_open(coordinator, case):
        if not is_simulated:  # the whole case once, before the first call is paid for
            simulate(coordinator, sender.address, case, limits)
            is_simulated = True
        start = furthest(case, disputes.carried(case.round, case.mismatch.leaf))
        call = next_call(case, start, limits)
        try:
            receipt = sender.send(disputes.call(call), _label(case, call))
        except ContractReverted:
            if _is_open(coordinator, case):
                raise
            break
        calls, gas = calls + 1, gas + receipt["gasUsed"]
        if isinstance(call, Proof):
            return Verdict(True, calls, gas)
    log.info("round %d: proposal 0x%s is not live any more", case.round, case.proposal_root.hex())
    return Verdict(False, calls, gas)


def _is_open(coordinator: Coordinator, case: Case) -> bool:
    """Whether the proposal can still be convicted. Raises StaleCase."""
    view = coordinator.round_view(case.round)
    if (view.inputs_hash, view.accepted_mask) != (case.inputs_hash, case.accepted_mask):
        raise StaleCase(f"round {case.round} has other inputs now: merge it again and compare the proposals anew")
    live = [proposal.root for proposal in coordinator.proposals(case.round)]
    return view.phase is Phase.CHALLENGE and case.proposal_root in live
