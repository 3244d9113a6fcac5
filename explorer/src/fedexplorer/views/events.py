"""All events of the coordinator, filtered: decoded, and as they stand on the chain."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query
from fedprotocol.address import parse_address
from fedprotocol.chain.abi import entry, load, snake
from fedprotocol.chain.read.events import Event
from pydantic import BeforeValidator, Field, PrivateAttr

from fedexplorer.views.event_filter import Filter, select
from fedexplorer.views.raw import RawRow, raw_rows
from fedexplorer.views.site import Site
from fedexplorer.views.view import Csv, Model, View, as_json

NAMES = tuple(sorted(e["name"] for e in load("coordinator") if e["type"] == "event"))
LARGEST = 2**53  # of a number in a request, which JavaScript can write too
PLACE = ("time", "block", "log_index", "transaction", "event")


class EventsPage(Model):
    """Events, the newest first: `rows` are those from `first` on (counted from 0) of `count` that pass the filter. With
    `length`, only the first `length` events of the log are looked at, so that pages do not move. `problem` says what
    is wrong with the filter, or is empty."""

    name: str | None
    round: int | None
    account: str | None
    since: int | None
    until: int | None
    from_block: int | None
    to_block: int | None
    length: int
    first: int
    shown: int
    count: int
    problem: str
    rows: tuple[RawRow, ...]
    _found: Sequence[Event] = PrivateAttr(default=())

    @property
    def filters(self) -> dict[str, object]:
        """The parameters of this selection, for links."""
        names = ("name", "round", "account", "since", "until", "from_block", "to_block")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    @property
    def names(self) -> tuple[str, ...]:
        """The names that an event may have."""
        return NAMES


def _or_none(value: Any) -> Any:
    """Forms send empty texts for what was not filled in."""
    return None if isinstance(value, str) and not value.strip() else value


def _seconds(value: Any) -> Any:
    """A time as a form or a person writes it (UTC), or in seconds."""
    value = _or_none(value)
    if not isinstance(value, str) or value.strip().isdigit():
        return value
    found = datetime.fromisoformat(value.strip().removesuffix(" UTC"))
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


_Natural = Annotated[int, Field(ge=0, le=LARGEST)]
Number = Annotated[_Natural | None, BeforeValidator(_or_none), Query()]
Time = Annotated[
    _Natural | None, BeforeValidator(_seconds), Query(description="Seconds since 1970, or 2026-11-28T13:05 in UTC")
]
Text = Annotated[str, Query(max_length=100)]


def build(
    site: Site,
    name: Text = "",
    round: Number = None,
    account: Annotated[str, Query(max_length=100, description="An address or a name")] = "",
    since: Time = None,
    until: Time = None,
    from_block: Number = None,
    to_block: Number = None,
    length: Number = None,
    first: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
    shown: Annotated[int, Query(ge=1, le=500)] = 50,
) -> EventsPage:
    """The coordinator's events, by name, round, account, time and block."""
    log = site.state.log
    address, problem = _account(account, site)
    if name and name not in NAMES:
        problem = f"The coordinator has no event of this name. It has {', '.join(NAMES)}."
    wanted = Filter(name or None, round, address, since, until, from_block, to_block, length)
    found = () if problem else select(log, wanted)
    page = EventsPage(
        name=name or None,
        round=round,
        account=address or account or None,
        since=since,
        until=until,
        from_block=from_block,
        to_block=to_block,
        length=len(log) if length is None else min(length, len(log)),
        first=first,
        shown=shown,
        count=len(found),
        problem=problem,
        rows=raw_rows(found[first : first + shown], site.entry),
    )
    page._found = found
    return page


def _account(text: str, site: Site) -> tuple[str | None, str]:
    """The address that a visitor means, and what is wrong if there is none."""
    if not text.strip():
        return None, ""
    by_name = [address for address, name in site.names.items() if name.casefold() == text.strip().casefold()]
    if by_name:
        return by_name[0], ""
    try:
        return parse_address(text.strip()), ""
    except ValueError as error:
        return None, f"The account {error}, or a name from the names file of this explorer."


def _table(page: EventsPage) -> Csv:
    """All events of the selection. Those of one kind have a column for each argument."""
    if page.name in NAMES:
        arguments = [snake(i["name"]) for i in entry("coordinator", "event", page.name)["inputs"]]
        return Csv((*PLACE, *arguments), _rows(page._found, arguments))
    return Csv((*PLACE, "round", "arguments"), _rows(page._found, None))


def _rows(found: Sequence[Event], arguments: Sequence[str] | None) -> Iterator[Sequence[object]]:
    for event in found:
        place = (event.time, event.block, event.log_index, event.tx_hash, event.name)
        args = as_json(event.args)
        if arguments is None:
            yield (*place, args.pop("round", None), json.dumps(args))
        else:
            yield (*place, *(args.get(name) for name in arguments))


EVENTS = View("events", "/events", build, tables={"": _table})
