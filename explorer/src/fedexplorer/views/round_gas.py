"""What a round's calls cost: read from the chain when somebody first looks, so it may be there only in part."""

from __future__ import annotations

from functools import lru_cache

from fedexplorer.history.log import Log
from fedexplorer.transactions.gas import GasOfCall, gas_by_call
from fedexplorer.transactions.shelf import Transactions
from fedexplorer.transactions.table import Mined
from fedexplorer.views.site import Site
from fedexplorer.views.view import Model

MOST_KEPT = 64  # rounds whose gas is known as a whole: a round of 256 clients has a thousand transactions
DEEDS = frozenset({"Committed", "Revealed", "Attested", "ProposalPaged", "Convicted"})
"""Events that a call has which was sent for their round."""


PATIENCE = 0.03  # seconds: the gas of hundreds of calls is not what the page is for, and the next look has it


class RoundGas(Model):
    """The gas of a round's calls, of which `read` of `count` transactions are known so far; `trouble` says why if the
    last attempt to read more failed. Calls that left no events at the coordinator are not among them: those that
    failed, and those that only prepared a challenge."""

    read: int
    count: int
    trouble: str
    rows: tuple[GasOfCall, ...]

    @property
    def total(self) -> int:
        """The gas of all calls that are known so far."""
        return sum(row.total for row in self.rows)

    @property
    def cost(self) -> int | None:
        """What all of them cost, in wei; None if that is not known of each."""
        costs = [row.cost for row in self.rows if row.cost is not None]
        return sum(costs) if len(costs) == len(self.rows) else None


def gas_of(site: Site, number: int, patience: float = PATIENCE) -> RoundGas:
    """The gas of the calls of a round."""
    log = site.state.log
    wanted = calls_of(log, number)
    if site.transactions is None:
        return RoundGas(read=0, count=len(wanted), trouble="this explorer does not read transactions", rows=())
    names = tuple(tuple(event.name for event in log.of_transaction(tx_hash)) for tx_hash, _ in wanted)
    try:
        return _whole(site.transactions, tuple(wanted), names, patience)
    except _Partly as partly:
        return partly.gas


class _Partly(Exception):
    """Not all was read yet. As an error it stays out of the cache."""

    def __init__(self, gas: RoundGas) -> None:
        super().__init__()
        self.gas = gas


@lru_cache(MOST_KEPT)
def _whole(
    transactions: Transactions, wanted: tuple[Mined, ...], names: tuple[tuple[str, ...], ...], patience: float
) -> RoundGas:
    """The gas of these transactions, each with the names of its events. Raises _Partly if not all were read yet."""
    looked = transactions.look(wanted, patience)
    by_hash = {tx_hash: found for (tx_hash, _), found in zip(wanted, names, strict=True)}
    rows = gas_by_call(transactions.contracts, looked.found.values(), by_hash)
    gas = RoundGas(
        read=len(looked.found),
        count=len(wanted),
        trouble=looked.trouble,
        rows=tuple(rows),
    )
    if gas.read < gas.count:
        raise _Partly(gas)
    return gas


def calls_of(log: Log, number: int) -> list[Mined]:
    """The transactions that were sent for a round. Any call first settles what time has decided, so many transactions
    have events of an earlier round that they were not sent for; those are left out."""
    found: dict[Mined, None] = {}
    for event in log.of_round(number):
        deeds = {e.args["round"] for e in log.of_transaction(event.tx_hash) if e.name in DEEDS}
        if number in deeds or not deeds:
            found[event.tx_hash, event.block_hash] = None
    return list(found)
