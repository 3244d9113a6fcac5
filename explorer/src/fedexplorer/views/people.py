"""What the log says of one account, remembered as long as nothing new names the account."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from heapq import merge

from fedprotocol.chain.read.events import Event
from fedprotocol.types import MAX_WEIGHT, FederationConfig

from fedexplorer.follow.state import State
from fedexplorer.history.all_rounds import Rounds
from fedexplorer.history.holdings import Holdings, holdings
from fedexplorer.history.seats import Standing, Stay, standing, stays

MOST = 2_048  # accounts that are remembered


@dataclass(frozen=True)
class Person:
    """An account's stays and money; `committed`: in how many rounds it has committed."""

    address: str
    stays: tuple[Stay, ...]
    holdings: Holdings
    committed: int

    @property
    def standing(self) -> Standing:
        """What its seat is now."""
        return standing(self.stays)

    def active_rounds(self, opened: int) -> int:
        """In how many of the rounds up to `opened` it could commit."""
        ends = [(first, opened + 1 if end is None else end) for stay in self.stays for first, end in stay.spans]
        return sum(max(0, min(opened + 1, end) - first) for first, end in ends)

    def active_in(self, round_number: int) -> bool:
        """Whether it could commit in that round."""
        return any(stay.active_in(round_number) for stay in self.stays)


@dataclass(frozen=True)
class Updates:
    """The updates of all rounds by client: how many were revealed and how many of them accepted, and which share of the
    round's weight the last one had."""

    revealed: Counter[str]
    accepted: Counter[str]
    share: dict[str, float]


_End = tuple[int, Event | None, int]
_remembered: dict[tuple[str, str], tuple[_End, Person]] = {}


def person(state: State, account: str) -> Person:
    """The account, by its checksummed address."""
    sponsor, log = state.federation.config.sponsor, state.log
    closings = log.named("Closed") if account == sponsor else ()
    count, last = log.end_of_account(account)
    key = (state.federation.coordinator, account)
    known = _remembered.get(key)
    if known is not None and known[0][::2] == (count, len(closings)) and known[0][1] is last:
        return known[1]
    events = list(merge(log.of_account(account), closings, key=lambda e: (e.block, e.log_index)))
    committed = {e.args["round"] for e in events if e.name == "Committed" and e.args["client"] == account}
    found = Person(account, stays(account, events), holdings(account, events, sponsor), len(committed))
    if len(_remembered) >= MOST:
        _remembered.clear()
    _remembered[key] = ((count, last, len(closings)), found)
    return found


@lru_cache(maxsize=2)
def updates(rounds: Rounds) -> Updates:
    """How everybody's updates did."""
    found = Updates(Counter(), Counter(), {})
    for history in rounds.all:
        for update in history.updates:
            found.revealed[update.client] += 1
            found.accepted[update.client] += update.accepted is True
            found.share[update.client] = update.weight / history.total_weight
    return found


def carries(stake: int, config: FederationConfig) -> int:
    """How many examples a stake carries, which is the most that an update of its client weighs."""
    return min(stake // config.stake_per_example, MAX_WEIGHT)


def participants(state: State) -> list[str]:
    """All that ever had a seat, in the order in which they first took one."""
    return list(dict.fromkeys(event.args["client"] for event in state.log.named("Joined")))


def others(state: State) -> list[str]:
    """All that proposed or proved a proposal wrong, and never had a seat."""
    named = [event.args["proposer"] for event in state.log.named("Proposed")]
    named += [event.args["challenger"] for event in state.log.named("Convicted")]
    seated = set(participants(state))
    return [account for account in dict.fromkeys(named) if account not in seated]
