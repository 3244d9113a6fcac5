"""What a round's calls cost: read from the chain when somebody first looks, so it may be there only in part."""

from __future__ import annotations

from fedexplorer.history.log import Log
from fedexplorer.transactions.gas import gas_by_call
from fedexplorer.transactions.table import Mined
from fedexplorer.views.site import Site
from fedexplorer.views.view import Model

DEEDS = frozenset({"Committed", "Revealed", "Attested", "ProposalPaged", "Convicted"})
"""Events that a call has which was sent for their round."""


PATIENCE = 0.03  # seconds: the gas of hundreds of calls is not what the page is for, and the next look has it


class GasRow(Model):
    """The transactions with one call, by the name that docs/gas.md has for it. `cost` is in wei; None if the node did
    not tell the price of each."""

    call: str
    count: int
    least: int
    mean: int
    most: int
    total: int
    cost: int | None


class RoundGas(Model):
    """The gas of a round's calls, of which `read` of `count` transactions are known so far; `trouble` says why if the
    last attempt to read more failed. Calls that left no events at the coordinator are not among them: those that
    failed, and those that only prepared a challenge."""

    read: int
    count: int
    trouble: str
    rows: tuple[GasRow, ...]

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
    looked = site.transactions.look(wanted, patience)
    names = {tx_hash: [event.name for event in log.of_transaction(tx_hash)] for tx_hash, _ in wanted}
    rows = gas_by_call(site.transactions.contracts, looked.found.values(), names)
    return RoundGas(
        read=len(looked.found),
        count=len(wanted),
        trouble=looked.trouble,
        rows=tuple(GasRow(**{name: getattr(row, name) for name in GasRow.model_fields}) for row in rows),
    )


def calls_of(log: Log, number: int) -> list[Mined]:
    """The transactions that were sent for a round. Any call first settles what time has decided, so many transactions
    have events of an earlier round that they were not sent for; those are left out."""
    found: dict[Mined, None] = {}
    for event in log.of_round(number):
        deeds = {e.args["round"] for e in log.of_transaction(event.tx_hash) if e.name in DEEDS}
        if number in deeds or not deeds:
            found[event.tx_hash, event.block_hash] = None
    return list(found)
