"""One transaction: what it called, how it ended, what it cost, and the events in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from fedprotocol.chain.read.events import Event
from pydantic import PrivateAttr

from fedexplorer.arguments import Argument
from fedexplorer.errors import NotThere
from fedexplorer.transactions.calls import Call, decoded, said
from fedexplorer.transactions.contracts import Contracts
from fedexplorer.transactions.records import Header, Transaction
from fedexplorer.transactions.shelf import Soon
from fedexplorer.views.raw import MOST_BYTES, RawRow, raw_rows
from fedexplorer.views.site import Site
from fedexplorer.views.view import Anything, Csv, Hex, Model, Parameters, View

PATIENCE = 0.08  # seconds that a page waits for what is read for the first time
_HASH = re.compile(r"(?:0x)?([0-9a-fA-F]{64})")


class Value(Model):
    """One argument by its name; `kind` says what `value` means: account, money, root, digest, time, loss, …"""

    name: str
    kind: str
    value: Anything
    left_out: int


class OtherLog(Model):
    """An entry of the log of another contract of the federation: token, Disputes or peer directory. `name` is None if
    its ABI does not have the event."""

    contract: str
    name: str | None
    values: tuple[Value, ...]
    topics: tuple[Hex, ...]
    data: Hex
    data_size: int

    @property
    def arguments(self) -> tuple[Value, ...]:
        """The same under the name that events have for it."""
        return self.values


class TransactionPage(Model):
    """A transaction. `is_read` is False while the explorer has not read it yet; then only what the events say is known,
    and `trouble` says why if reading failed. `is_mined` is False for one that is in no block yet. Amounts are in wei;
    what the chain's node leaves out is None. `way` is how it reaches the federation: call, other, payment or
    creation."""

    hash: Hex
    is_read: bool
    trouble: str
    is_mined: bool
    time: int | None
    block: int | None
    position: int | None
    succeeded: bool | None
    revert: str
    revert_is_exact: bool
    sender: str | None
    to: str | None
    contract: str | None
    creates: str | None
    way: str | None
    call: str | None
    selector: Hex
    round: int | None
    values: tuple[Value, ...]
    value: int | None
    nonce: int | None
    gas_limit: int | None
    gas_used: int | None
    gas_price: int | None
    extra_fee: int
    cost: int | None
    input: Hex
    input_size: int
    events: tuple[RawRow, ...]
    others: tuple[OtherLog, ...]
    others_left_out: int
    _arguments: tuple[Argument, ...] = PrivateAttr(default=())

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """The arguments of the call."""
        return self._arguments


def build(site: Site, hash: str) -> TransactionPage:
    """A transaction: its call, its outcome, its cost and its events."""
    match = _HASH.fullmatch(hash)
    if match is None:
        raise NotThere("The hash of a transaction is 0x and 64 hexadecimal digits.")
    tx_hash = bytes.fromhex(match[1])
    events = site.state.log.of_transaction(tx_hash)
    found = _read(site, tx_hash, events)
    if found is None:
        raise NotThere(f"The chain has no transaction 0x{tx_hash.hex()}, or its node does not know it any more.")
    one = found if isinstance(found, Transaction) else None
    trouble = found.trouble if isinstance(found, Soon) else ""
    return _page(site, tx_hash, events, one, trouble)


def _read(site: Site, tx_hash: bytes, events: Sequence[Event]) -> Transaction | Soon | None:
    if site.transactions is None:
        return Soon("this explorer does not read transactions") if events else None
    if not events:
        return site.transactions.find(tx_hash, PATIENCE)
    looked = site.transactions.look([(tx_hash, events[0].block_hash)], PATIENCE)
    return looked.found.get(tx_hash) or Soon(looked.trouble)


def _page(
    site: Site, tx_hash: bytes, events: Sequence[Event], one: Transaction | None, trouble: str
) -> TransactionPage:
    contracts = Contracts.of(site.state.federation.coordinator, site.state.federation.config)
    call = None if one is None else decoded(contracts, one.to, one.input)
    receipt = None if one is None else one.receipt
    time = events[0].time if events else None if one is None else _time(site, one)
    page = TransactionPage(
        hash=tx_hash,
        is_read=one is not None,
        trouble=trouble,
        is_mined=bool(events) or (one is not None and one.block is not None),
        time=time,
        block=events[0].block if events else None if one is None else one.block,
        position=None if one is None else one.position,
        succeeded=True if events else None if receipt is None else receipt.succeeded,
        revert=one.revert.text if one and one.revert else "",
        revert_is_exact=bool(one and one.revert and one.revert.is_exact),
        sender=None if one is None else one.sender,
        to=None if one is None else one.to,
        contract=None if call is None else call.contract,
        creates=None if receipt is None else receipt.creates,
        way=None if call is None else call.way,
        call=None if call is None else call.name,
        selector=b"" if call is None else call.selector,
        round=_round(call, events),
        values=values_of(() if call is None else call.arguments),
        value=None if one is None else one.value,
        nonce=None if one is None else one.nonce,
        gas_limit=None if one is None else one.gas_limit,
        gas_used=None if receipt is None else receipt.gas_used,
        gas_price=None if receipt is None else receipt.gas_price,
        extra_fee=0 if receipt is None else receipt.extra_fee,
        cost=None if receipt is None else receipt.cost,
        input=b"" if one is None else one.input[:MOST_BYTES],
        input_size=0 if one is None else len(one.input),
        events=raw_rows(events, site.entry),
        others=_others(contracts, one),
        others_left_out=0 if receipt is None else receipt.left_out,
    )
    page._arguments = () if call is None else call.arguments
    return page


def values_of(arguments: Iterable[Argument]) -> tuple[Value, ...]:
    """Arguments as JSON has them."""
    return tuple(Value(name=a.name, kind=a.kind, value=a.value, left_out=a.left_out) for a in arguments)


def _round(call: Call | None, events: Sequence[Event]) -> int | None:
    if call is not None and call.round is not None:
        return call.round
    return next((event.args["round"] for event in events if "round" in event.args), None)


def _time(site: Site, one: Transaction) -> int | None:
    """The time of the block of a transaction without events."""
    if site.transactions is None or one.block_hash is None:
        return None
    found = site.transactions.block(one.block_hash, PATIENCE)
    return found.time if isinstance(found, Header) else None


def _others(contracts: Contracts, one: Transaction | None) -> tuple[OtherLog, ...]:
    if one is None or one.receipt is None:
        return ()
    told = [said(contracts, entry) for entry in one.receipt.logs]
    return tuple(
        OtherLog(
            contract=each.contract,
            name=each.name,
            values=values_of(each.arguments),
            topics=each.entry.topics,
            data=each.entry.data[:MOST_BYTES],
            data_size=len(each.entry.data),
        )
        for each in told
    )


def _events(page: TransactionPage) -> Csv:
    rows = ((page.time, page.block, row.log_index, row.name, row.round) for row in page.events)
    return Csv(("time", "block", "log_index", "event", "round"), rows)


def _pages(site: Site) -> Iterable[Parameters]:
    """Every transaction that the log names."""
    seen = dict.fromkeys(event.tx_hash for event in site.state.log)
    return ({"hash": "0x" + tx_hash.hex()} for tx_hash in seen)


TRANSACTION = View("transaction", "/tx/{hash}", build, tables={"": _events}, pages=_pages)
