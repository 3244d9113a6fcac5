"""One block: its header, and the federation's transactions and events in it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Annotated

from fastapi import Path
from fedprotocol.chain.read.events import Event

from fedexplorer.errors import NotThere
from fedexplorer.history.log import Log
from fedexplorer.transactions.calls import function_name
from fedexplorer.transactions.contracts import Contracts
from fedexplorer.transactions.records import Header
from fedexplorer.transactions.shelf import Soon
from fedexplorer.views.raw import RawRow, raw_rows
from fedexplorer.views.site import Site
from fedexplorer.views.transaction import PATIENCE
from fedexplorer.views.view import Csv, Hex, Model, Parameters, View

MOST_EVENTS = 500


class BlockTransaction(Model):
    """A transaction to one of the federation's contracts (`contract`), or through another one (None). `call` is None if
    it is not known, or not in the contract's ABI."""

    hash: Hex
    position: int | None
    sender: str | None
    contract: str | None
    call: str | None
    events: int


class BlockPage(Model):
    """A block. `is_read` is False while the explorer has not read its header yet; `trouble` says why if reading failed.
    What the chain's node leaves out is None. `all_read` is False if the block has too many transactions to be read
    whole: then only those with events of the coordinator are here. `before` and `after` are the neighbouring blocks
    with events of the coordinator."""

    number: int
    newest: int
    before: int | None
    after: int | None
    is_read: bool
    trouble: str
    all_read: bool
    hash: Hex | None
    parent: Hex | None
    time: int | None
    fee_recipient: str | None
    gas_used: int | None
    gas_limit: int | None
    base_fee: int | None
    size: int | None
    transactions: int | None
    own: tuple[BlockTransaction, ...]
    events: tuple[RawRow, ...]
    event_count: int


def build(site: Site, number: Annotated[int, Path(ge=0, le=2**53)]) -> BlockPage:
    """A block: its header, and the federation's transactions and events in it."""
    log, newest = site.state.log, site.state.head
    if number > newest:
        raise NotThere(f"There is no block {number} yet: the newest is {newest}.")
    events = log.of_block(number)
    found: Header | Soon | None = Soon("this explorer does not read blocks")
    if site.transactions is not None:
        found = site.transactions.block(events[0].block_hash if events else number, PATIENCE)
    if found is None and not events:
        raise NotThere(f"The chain's node does not have block {number}.")
    header = found if isinstance(found, Header) else None
    before, after = neighbours(log, number)
    return BlockPage(
        number=number,
        newest=newest,
        before=before,
        after=after,
        is_read=header is not None,
        trouble=found.trouble if isinstance(found, Soon) else "",
        all_read=header is not None and header.lines is not None,
        hash=header.hash if header else events[0].block_hash if events else None,
        parent=header.parent if header else None,
        time=header.time if header else events[0].time if events else None,
        fee_recipient=header.fee_recipient if header else None,
        gas_used=header.gas_used if header else None,
        gas_limit=header.gas_limit if header else None,
        base_fee=header.base_fee if header else None,
        size=header.size if header else None,
        transactions=header.transactions if header else None,
        own=_own(site, header, events),
        events=raw_rows(events[:MOST_EVENTS], site.entry),
        event_count=len(events),
    )


def neighbours(log: Log, number: int) -> tuple[int | None, int | None]:
    """The last block before `number` and the first one after it that have events."""
    first = bisect_left(log, number, key=lambda event: event.block)
    behind = bisect_left(log, number + 1, key=lambda event: event.block)
    return log[first - 1].block if first else None, log[behind].block if behind < len(log) else None


def _own(site: Site, header: Header | None, events: Sequence[Event]) -> tuple[BlockTransaction, ...]:
    contracts = Contracts.of(site.state.federation.coordinator, site.state.federation.config)
    counts: dict[bytes, int] = {}
    for event in events:
        counts[event.tx_hash] = counts.get(event.tx_hash, 0) + 1
    found = {}
    for line in (header.lines or ()) if header else ():
        found[line.hash] = BlockTransaction(
            hash=line.hash,
            position=line.position,
            sender=line.sender,
            contract=contracts.name(line.to),
            call=function_name(contracts, line.to, line.selector),
            events=counts.get(line.hash, 0),
        )
    for tx_hash, count in counts.items():
        if tx_hash not in found:
            found[tx_hash] = BlockTransaction(
                hash=tx_hash, position=None, sender=None, contract=None, call=None, events=count
            )
    return tuple(found.values())


def _events(page: BlockPage) -> Csv:
    rows = ((row.time, page.number, row.log_index, row.tx, row.name, row.round) for row in page.events)
    return Csv(("time", "block", "log_index", "transaction", "event", "round"), rows)


def _pages(site: Site) -> Iterable[Parameters]:
    """Every block with events."""
    return ({"number": number} for number in dict.fromkeys(event.block for event in site.state.log))


BLOCK = View("block", "/block/{number}", build, tables={"": _events}, pages=_pages)
