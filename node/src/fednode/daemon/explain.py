"""“Registered and staked, why does nothing happen?” in one sentence, whatever the state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.read.snapshot import RoundState, Snapshot
from fedprotocol.quantities import duration
from fedprotocol.types import Phase

from fednode.daemon.snapshot_questions import Standing, is_matching, obstacle, standing, unsettled
from fednode.daemon.status import Status
from fednode.daemon.waiting import describe_obstacle, ending

SILENCE = 300.0  # seconds after which a node that says nothing new is suspected to hang
LONG = 72_000  # seconds from which a time of day without a date says too little


class Need(StrEnum):
    """What the account's state on the chain requires while no node runs."""

    UNREAD = "the chain is not known"
    SEAT = "a seat"
    NOTHING = "the federation is over, and nothing is left to collect"
    COLLECT = "the federation is over, and something is left to collect"
    ETHER = "ether"
    REVEAL = "a reveal is due"
    ATTEST = "an attestation is due"
    COMMITTED = "a commitment is open"
    TRAIN = "a round takes commits"
    NEXT = "a round goes on without the account"
    OPEN = "the next round"
    STAKE = "more stake"
    EXIT = "the account has left, and its stake is there"


@dataclass(frozen=True)
class Explanation:
    """The explanation. `cause`: for a running node, the one that its status names, or "silent"; otherwise a Need."""

    cause: str
    sentence: str


def explain(
    status: Status | None,
    chain: Snapshot | None,
    trouble: str,
    amounts: Amounts,
    now: float,
    gas_is_free: bool = False,
    age: float = 0.0,
    was_started: bool = False,
) -> Explanation:
    """What `fednode status` says first.

    Args:
        status: what the node last wrote about itself; None: it never ran.
        chain: None if it could never be read.
        trouble: why it cannot be read now; empty: it can.
        now: seconds since 1970.
        gas_is_free: nobody needs ether there.
        age: how many seconds ago `chain` was read, if it cannot be read now.
        was_started: the node has a log, so that it ran, if only until it was stopped before its first status.
    """
    if chain is not None and age:
        chain = replace(chain, time=chain.time + int(age))
    if status is not None and status.is_running:
        return _running(status, chain, trouble, now)
    need, sentence = _need(chain, trouble, amounts, gas_is_free)
    if status is None and was_started:
        before = "The node was started and has said nothing yet: it still loads, or was stopped before it was ready"
    elif status is None:
        before = "The node has not run with this config yet"
    else:
        before = f"The node is not running, it was last seen {duration(now - status.updated)} ago"
        if status.activity not in sentence:
            before += f" ({status.activity})"
    if chain is not None and trouble:
        sentence += f" (as the chain was {duration(age)} ago, it cannot be read now: {trouble})"
    return Explanation(need, f"{before}, and {sentence}.")


def _running(status: Status, chain: Snapshot | None, trouble: str, now: float) -> Explanation:
    silence = now - status.updated
    if silence > SILENCE:
        return Explanation(
            "silent",
            f"The node runs but has said nothing for {duration(silence)}, when it was {status.activity}: a transaction "
            "is not mined or the program hangs, so look at the end of logs/fednode.log, and if nothing moves there, "
            f"`kill {status.pid}` and start it again.",
        )
    if status.cause == "end":
        return Explanation(status.cause, f"The node is about to end: {status.activity}.")
    time = chain.time if chain is not None else status.chain_time
    sentence = f"The node is {status.activity}, {_until(status.until, time, duration(now - status.since))}"
    if status.then:
        sentence += f"; next: {status.then}"
    if trouble and trouble not in status.activity:
        sentence += f" (this command itself cannot read the chain: {trouble})"
    return Explanation(status.cause, sentence + ".")


def _until(until: int, time: int, so_far: str = "") -> str:
    lasted = f"{so_far} so far" if so_far else ""
    if not until:
        return f"with no deadline ({lasted})" if lasted else "with no deadline"
    left = until - time
    if left <= 0:
        return f"and the time for it ended {duration(-left)} ago"
    moment = datetime.fromtimestamp(until, UTC)
    clock = f"{moment:%Y-%m-%d %H:%M}" if left > LONG else f"{moment:%H:%M:%S}"
    inside = "; ".join(filter(None, [f"in {duration(left)}", lasted]))
    return f"until {clock} UTC at the latest ({inside})"


def _need(chain: Snapshot | None, trouble: str, amounts: Amounts, gas_is_free: bool) -> tuple[Need, str]:
    """The text that follows "The node is not running, and"."""
    if chain is None:
        return Need.UNREAD, f"the account's state cannot be read: {trouble}; after that, start it with `fednode run`"
    if chain.is_over:
        return _last(chain, amounts)
    where, seat = standing(chain), chain.settled_seat
    if where is Standing.NONE:
        return Need.SEAT, f"its account {chain.account} holds no seat: take one with `fednode join`, then `fednode run`"
    if chain.eth == 0 and not gas_is_free:
        return Need.ETHER, f"{chain.account} has no ether for transactions: send it some, then `fednode run`"
    for state in unsettled(chain):
        due = _due(chain, state)
        if due is not None:
            return due
    if where is Standing.LEFT:
        when = f" once round {seat.pending_old} is settled" if seat.pending_old else ""
        return (
            Need.EXIT,
            f"its account has left or was dropped: `fednode exit` gives back the stake of {amounts(seat.stake)}{when}",
        )
    if where is Standing.SUSPENDED:
        missing = amounts.needed(max(0, chain.config.min_stake - seat.stake))
        return Need.STAKE, f"its seat is suspended: add {missing} with `fednode join`, then `fednode run`"
    return _coming(chain, amounts)


def _last(chain: Snapshot, amounts: Amounts) -> tuple[Need, str]:
    seat, left = chain.settled_seat, []
    if chain.settled_owed:
        left.append("`fednode claim` takes what its account is owed")
    if seat.stake:
        left.append(f"`fednode exit` gives back its stake of {amounts(seat.stake)}")
    if not left:
        return Need.NOTHING, f"{ending(chain)}: nothing is left to join or to collect"
    return Need.COLLECT, f"{ending(chain)}: {' and '.join(left)}"


def _due(chain: Snapshot, state: RoundState) -> tuple[Need, str] | None:
    """What costs the penalty if no node does it."""
    number, view = state.number, state.view
    until, costs = _until(view.phase_end, chain.time), "and costs the penalty if missed: `fednode run`, now"
    if view.phase is Phase.ATTEST and state.my_index is not None and not state.updates[state.my_index].attested:
        return Need.ATTEST, f"its attestation of round {number} is due {until}, {costs}"
    if not is_matching(state) or state.my_index is not None:
        return None
    if view.phase is Phase.REVEAL:
        return Need.REVEAL, f"its reveal of round {number} is due {until}, {costs}"
    if view.phase in (Phase.TRAIN, Phase.WAITING):
        begins = f"its reveal of round {number} begins when the others have committed, {until}"
        return Need.COMMITTED, f"{begins}, {costs}"
    return None


def _coming(chain: Snapshot, amounts: Amounts) -> tuple[Need, str]:
    open_rounds = unsettled(chain)
    if not open_rounds:
        why = describe_obstacle(obstacle(chain), chain, amounts)
        return Need.OPEN, f"round {chain.last_opened + 1} is not open ({why}): `fednode run` waits for it and trains"
    newest = open_rounds[-1]
    number, view = newest.number, newest.view
    until = _until(view.phase_end, chain.time)
    if view.phase is Phase.TRAIN and newest.my_commitment is None and chain.my_seat.active_in(number):
        return Need.TRAIN, f"round {number} takes commits {until}: `fednode run` trains and commits"
    return Need.NEXT, (
        f"round {number} needs nothing from its account in {view.phase.name.capitalize()}, {until}: "
        f"`fednode run` takes part from round {max(number + 1, chain.my_seat.active_from)} on"
    )
