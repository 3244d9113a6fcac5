"""What a round's calls cost, by the names that docs/gas.md gives them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fedexplorer.transactions.calls import Call, Way, decoded
from fedexplorer.transactions.contracts import Contracts
from fedexplorer.transactions.records import Transaction

ELSEWHERE = "called through another contract"
UNKNOWN = "a call that the shipped ABI does not have"
CREATION = "made with its contract"


@dataclass(frozen=True, slots=True)
class GasOfCall:
    """The transactions with one call. `cost` is in wei; None if a node did not tell the price of each."""

    call: str
    count: int
    least: int
    mean: int
    most: int
    total: int
    cost: int | None


@dataclass(frozen=True, slots=True)
class Measured:
    """One transaction by the name of its call."""

    call: str
    gas: int
    cost: int | None


def gas_by_call(
    contracts: Contracts, transactions: Iterable[Transaction], events: Mapping[bytes, Sequence[str]]
) -> list[GasOfCall]:
    """The gas of each call, sorted by name. `events`: transaction -> the names of its events, which tell calls apart
    that do more or less. A transaction whose receipt does not name its gas is left out."""
    measured: dict[str, list[Measured]] = defaultdict(list)
    for one in transactions:
        if one.receipt is not None and one.receipt.gas_used is not None:
            name = name_of(decoded(contracts, one.to, one.input), events.get(one.hash, ()))
            measured[name].append(Measured(name, one.receipt.gas_used, one.receipt.cost))
    return [_summed(name, each) for name, each in sorted(measured.items())]


def name_of(call: Call, events: Sequence[str]) -> str:
    """What docs/gas.md calls a call with these events. Like there, a commit that opens its round is a call of its
    own, and so is a settlement by what it settles."""
    if call.way is Way.CREATION:
        return CREATION
    if call.way is not Way.CALL:
        return ELSEWHERE
    if call.name is None:
        return UNKNOWN
    return {"commit": _commit, "propose": _propose, "settle": _settle, "claim": _claim}.get(call.name, _plain)(
        call, events
    )


def _plain(call: Call, _: Sequence[str]) -> str:
    return str(call.name)


def _commit(_: Call, events: Sequence[str]) -> str:
    return "commit, the first of a round" if "RoundOpened" in events else "commit"


def _propose(call: Call, events: Sequence[str]) -> str:
    arguments = {a.name: a for a in call.arguments}
    if "ProposalPaged" not in events or (arguments["page"].value == 0 and "Proposed" in events):
        return "propose"  # all leaves in one page
    leaves = len(arguments["digests"].value) + arguments["digests"].left_out
    return f"propose, {'last page' if 'Proposed' in events else 'a page'} of {leaves:,}"


def _claim(_: Call, events: Sequence[str]) -> str:
    return "claim, a client not settled" if set(events) - {"Claimed"} else "claim"


def _settle(_: Call, events: Sequence[str]) -> str:
    if "RoundFinalized" in events or "RoundVoided" in events:
        return "settle, a round is final" if "RoundFinalized" in events else "settle, a round is void"
    return "settle, a client" if events else "settle, nothing due"


def _summed(name: str, each: Sequence[Measured]) -> GasOfCall:
    gas = [one.gas for one in each]
    costs = [one.cost for one in each if one.cost is not None]
    return GasOfCall(
        call=name,
        count=len(gas),
        least=min(gas),
        mean=sum(gas) // len(gas),
        most=max(gas),
        total=sum(gas),
        cost=sum(costs) if len(costs) == len(gas) else None,
    )
