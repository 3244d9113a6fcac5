"""What the log says of one account, remembered as long as nothing new names the account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import merge

from fedprotocol.chain.read.events import Event
from fedprotocol.types import MAX_WEIGHT, FederationConfig

from fedexplorer.follow.state import State
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

    def active_in(self, round_number: int) -> bool:
        """Whether it could commit in that round."""
        return any(stay.active_in(round_number) for stay in self.stays)


_remembered: dict[tuple[str, str], tuple[int, Event, Person]] = {}


def person(state: State, account: str) -> Person:
    """The account, by its checksummed address."""
    sponsor = state.federation.config.sponsor
    events = _events(state, account, sponsor)
    if not events:
        return Person(account, (), Holdings(), 0)
    key = (state.federation.coordinator, account)
    known = _remembered.get(key)
    if known is not None and known[0] == len(events) and known[1] is events[-1]:
        return known[2]
    committed = {e.args["round"] for e in events if e.name == "Committed" and e.args["client"] == account}
    found = Person(account, stays(account, events), holdings(account, events, sponsor), len(committed))
    if len(_remembered) >= MOST:
        _remembered.clear()
    _remembered[key] = (len(events), events[-1], found)
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


def _events(state: State, account: str, sponsor: str) -> Sequence[Event]:
    """The events that name the account; for the sponsor, those that close the federation too."""
    events = state.log.of_account(account)
    closed = state.log.named("Closed") if account == sponsor else ()
    return list(merge(events, closed, key=lambda e: (e.block, e.log_index))) if closed else events
