"""What the coordinator holds for one account, after each event that changed it. Amounts are in token units, as last
settled: what time has decided counts once the contract has written it down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from fedprotocol.chain.read.events import Event

BOND = "bond"


class Kind(StrEnum):
    """Why what is held for an account changes."""

    STAKED = "staked"
    PENALTY = "penalties"
    WITHDRAWN = "withdrawn"
    BONDED = "put up as bonds"
    RETURNED = "bonds returned"
    CONVICTED = "bonds lost"
    BOUNTY = "bounties"
    CLIENT_REWARD = "rewards as client"
    AGGREGATOR_REWARD = "rewards as aggregator"
    CLOSING = "returned to the sponsor"
    CLAIMED = "claimed"


@dataclass(frozen=True, slots=True)
class Effect:
    """What an event does for the account that its argument `role` names: the amount in `argument` is added (1) or taken
    (-1)."""

    event: str
    role: str
    argument: str
    kind: Kind
    stake: int = 0
    bonds: int = 0
    owed: int = 0


EFFECTS = (
    Effect("Joined", "client", "stake", Kind.STAKED, stake=1),
    Effect("StakeAdded", "client", "amount", Kind.STAKED, stake=1),
    Effect("Penalized", "client", "amount", Kind.PENALTY, stake=-1),
    Effect("Withdrawn", "client", "stake", Kind.WITHDRAWN, stake=-1),
    Effect("Proposed", "proposer", BOND, Kind.BONDED, bonds=1),
    Effect("BondReturned", "proposer", "amount", Kind.RETURNED, bonds=-1, owed=1),
    Effect("Convicted", "proposer", BOND, Kind.CONVICTED, bonds=-1),
    Effect("Convicted", "challenger", "bounty", Kind.BOUNTY, owed=1),
    Effect("Rewarded", "client", "amount", Kind.CLIENT_REWARD, owed=1),
    Effect("RoundFinalized", "aggregator", "aggregator_reward", Kind.AGGREGATOR_REWARD, owed=1),
    Effect("Closed", "sponsor", "returned_to_sponsor", Kind.CLOSING, owed=1),
    Effect("Claimed", "account", "amount", Kind.CLAIMED, owed=-1),
)
"""`Closed` names nobody: it credits the sponsor. `Convicted` has no bond among its arguments: it is the one of the
Proposed before it."""
_EFFECTS_OF = {name: tuple(e for e in EFFECTS if e.event == name) for name in {e.event for e in EFFECTS}}


@dataclass(frozen=True, slots=True)
class Holding:
    """What is held for the account."""

    stake: int = 0
    bonds: int = 0
    owed: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What one event has changed, and what was held afterwards."""

    event: Event
    kind: Kind
    amount: int
    after: Holding


@dataclass(frozen=True, slots=True)
class Holdings:
    """All changes in the order of the log, and what they add up to by kind."""

    changes: tuple[Change, ...] = ()
    totals: Mapping[Kind, int] = field(default_factory=dict)

    @property
    def now(self) -> Holding:
        """What is held after the last of the events."""
        return self.changes[-1].after if self.changes else Holding()


def holdings(account: str, events: Iterable[Event], sponsor: str) -> Holdings:
    """What was held for `account`. `events`: the log, or those that name the account and every Closed."""
    changes: list[Change] = []
    totals = dict.fromkeys(Kind, 0)
    bonds: dict[tuple[int, bytes], int] = {}
    held = Holding()
    for event in events:
        if event.name == "Proposed":
            bonds[event.args["round"], event.args["root"]] = event.args["bond"]
        for effect in _EFFECTS_OF.get(event.name, ()):
            if event.args.get(effect.role, sponsor) != account:
                continue
            amount = event.args.get(effect.argument)
            if amount is None:
                amount = bonds[event.args["round"], event.args["root"]]
            held = Holding(
                held.stake + effect.stake * amount,
                held.bonds + effect.bonds * amount,
                held.owed + effect.owed * amount,
            )
            totals[effect.kind] += amount
            changes.append(Change(event, effect.kind, amount, held))
    return Holdings(tuple(changes), totals)
