"""What a round's calls cost: read from the chain when somebody first looks, so it may be there only in part."""

from __future__ import annotations

from collections.abc import Sequence

from fedprotocol.chain.read.events import Event

from fedexplorer.transactions.gas import gas_by_call
from fedexplorer.transactions.shelf import Looked
from fedexplorer.views.site import Site
from fedexplorer.views.transaction import PATIENCE
from fedexplorer.views.view import Model


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
    last attempt to read more failed. Transactions that failed left no events, and are not among them."""

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


def gas_of(site: Site, events: Sequence[Event], patience: float = PATIENCE) -> RoundGas:
    """The gas of the transactions that have these events."""
    wanted = list(dict.fromkeys((event.tx_hash, event.block_hash) for event in events))
    names = {tx_hash: [e.name for e in site.state.log.of_transaction(tx_hash)] for tx_hash, _ in wanted}
    if site.transactions is None:
        return RoundGas(read=0, count=len(wanted), trouble="this explorer does not read transactions", rows=())
    looked: Looked = site.transactions.look(wanted, patience)
    rows = gas_by_call(site.transactions.contracts, looked.found.values(), names)
    return RoundGas(
        read=len(looked.found),
        count=len(wanted),
        trouble=looked.trouble,
        rows=tuple(GasRow(**{name: getattr(row, name) for name in GasRow.model_fields}) for row in rows),
    )
