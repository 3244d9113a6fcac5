"""Penalties of the node's account: finding them, and saying how much, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import assert_never

from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.penalties import Penalty, earlier_penalties, penalties, penalties_borne
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.types import PenaltyReason

from fednode.daemon.actions.chain.top_up import room_left
from fednode.daemon.facts import Facts
from fednode.daemon.journal_facts import Memory
from fednode.daemon.snapshot_questions import Standing, standing

AT_ONCE = 8  # rounds that are read one by one in a turn of the loop, after the node was away for long


def note_penalties(coordinator: Coordinator, memory: Memory, chain: Snapshot) -> None:
    """Write down what rounds cost the account since the last look. Raises ChainError, JournalError."""
    if not chain.my_seat.active_from or not chain.config.penalty:
        return
    found = penalties(chain)
    first_shown = min(found, default=chain.last_opened + 1)
    begin = memory.penalties_known + 1 if memory.penalties_known else chain.my_seat.active_from
    unseen = range(begin, first_shown)[:AT_ONCE]
    earlier = {penalty.round: penalty for penalty in earlier_penalties(coordinator, chain, unseen)}
    known = unseen[-1] if unseen else memory.penalties_known
    if not unseen or known == first_shown - 1:
        known = max((known, *(state.number for state in chain.rounds if state.view.phase.settled)))
    memory.note_penalties({**found, **earlier}, known)


def open_penalties(chain: Snapshot, facts: Facts) -> list[Penalty]:
    """The penalties that a person should know of: nothing has made up for them yet, or their round was one of the last
    two."""
    remembered, wanted = facts.remembered, facts.configured.wanted_stake
    is_short = lacks_stake(chain, wanted)
    return [
        penalty
        for number, penalty in sorted(remembered.penalties.items())
        if (is_short and number not in remembered.topped_up) or number >= chain.last_opened - 1
    ]


def lacks_stake(chain: Snapshot, wanted: int) -> bool:
    """Whether penalties leave something to do: there is a seat that is of use, and its stake is below the `wanted`."""
    return _is_of_use(chain) and chain.settled_seat.stake < wanted


def _is_of_use(chain: Snapshot) -> bool:
    seat = chain.settled_seat
    return seat.active_from > 0 and not seat.exited and not chain.is_over


def penalties_in_words(chain: Snapshot, facts: Facts) -> dict[int, str]:
    """Round -> what it cost, why, and what to do."""
    shown = open_penalties(chain, facts)
    return {penalty.round: "".join(_sentences(penalty, chain, facts)) for penalty in shown}


def _sentences(penalty: Penalty, chain: Snapshot, facts: Facts) -> Iterator[str]:
    amounts = facts.configured.amounts
    yield f"round {penalty.round} costs a penalty of {amounts(penalty.amount)}: {_why(penalty.reason)}"
    if _is_of_use(chain):
        yield f". {_left(chain, amounts)}"
    yield f". {_remedy(penalty, chain, facts)}"


def _why(reason: PenaltyReason) -> str:
    match reason:
        case PenaltyReason.WRONG_PRIOR:
            return "its commitment was for training from another global model than the one the round started from"
        case PenaltyReason.NOT_REVEALED:
            return "it committed, and did not reveal its update in time"
        case PenaltyReason.NOT_ATTESTED:
            return "it revealed its update, and did not vote on the others' in time"
        case PenaltyReason.NOT_ACCEPTED:
            return "its update kept the round from a global: too few others vouch for it. The seat is lost"
        case _:
            assert_never(reason)


def _left(chain: Snapshot, amounts: Amounts) -> str:
    stake = amounts(chain.settled_seat.stake)
    if standing(chain) is Standing.SUSPENDED:
        return f"The stake is {stake}, and the seat is suspended"
    borne = penalties_borne(chain)
    if borne == 0:
        return f"The stake is {stake}: the next penalty suspends the seat"
    return f"The stake is {stake} and bears {borne} more before the seat is suspended"


def _remedy(penalty: Penalty, chain: Snapshot, facts: Facts) -> str:
    amounts, configured = facts.configured.amounts, facts.configured
    cause = "Look in logs/fednode.log for what kept the node from it"
    if penalty.round in facts.remembered.topped_up:
        return f"{cause}; the node has put {amounts(facts.remembered.topped_up[penalty.round])} back"
    if not lacks_stake(chain, configured.wanted_stake):
        return cause
    missing = configured.wanted_stake - chain.settled_seat.stake
    join = "stop it and run `fednode join`, which adds what the stake lacks"
    if not configured.top_up:
        return f"{cause}; {join}, or have the node do it: [node] top_up"
    amount = min(penalty.amount, missing)
    if room_left(facts) < amount:
        return f"{cause}; of [node] top_up = {amounts(configured.top_up)} there is too little left: raise it, or {join}"
    if chain.tokens < amount:
        return f"{cause}; the account has too few tokens to put it back: send it {amounts(amount - chain.tokens)}"
    return f"{cause}; the node puts {amounts(amount)} back by itself"


def figures(known: Mapping[int, Penalty]) -> dict[PenaltyReason, tuple[int, int]]:
    """Reason -> how many penalties, and how many token units they cost."""
    return {
        reason: (len(costs), sum(costs))
        for reason in PenaltyReason
        for costs in [[penalty.amount for penalty in known.values() if penalty.reason is reason]]
    }
