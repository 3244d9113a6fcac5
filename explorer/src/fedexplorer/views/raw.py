"""An event with its log entry as it stands on the chain, undecoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fedprotocol.chain.read.events import Event
from fedprotocol.errors import FedError
from web3.types import LogReceipt

from fedexplorer.views.event_row import EventRow, event_row
from fedexplorer.views.view import Hex

MOST_BYTES = 2_048  # of the data of one entry, or of a call, that a page shows

Entry = Callable[[Event], LogReceipt | None]
"""The log entry of an event; None if the index does not have it any more."""


class RawRow(EventRow):
    """An event with its topics and the first bytes of its data, which has `data_size` bytes. Both are empty if the
    index does not have the entry any more, as after a re-org."""

    topics: tuple[Hex, ...]
    data: Hex
    data_size: int


def raw_rows(events: Iterable[Event], entry: Entry) -> tuple[RawRow, ...]:
    """The rows of events."""
    return tuple(_row(event, _found(event, entry)) for event in events)


def _found(event: Event, entry: Entry) -> LogReceipt | None:
    try:
        return entry(event)
    except FedError:  # the file of the index cannot be read now; what the event says is known without it
        return None


def _row(event: Event, found: LogReceipt | None) -> RawRow:
    topics, data = ((), b"") if found is None else (found["topics"], bytes(found["data"]))
    return RawRow(
        **dict(event_row(event)),
        topics=tuple(map(bytes, topics)),
        data=data[:MOST_BYTES],
        data_size=len(data),
    )
