"""Any address: what it is in this federation, and every event that names it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

from fastapi import Query
from fedprotocol.address import NOBODY, parse_address
from fedprotocol.chain.read.events import Event

from fedexplorer.errors import NotThere
from fedexplorer.follow.state import State
from fedexplorer.transactions.contracts import Contracts
from fedexplorer.views.event_filter import Filter, select
from fedexplorer.views.raw import RawRow, raw_rows
from fedexplorer.views.site import Site
from fedexplorer.views.view import Model, Parameters, View

CONTRACTS = {
    "coordinator": "the coordinator: the contract that runs this federation and holds its money",
    "disputes contract": "the contract that decides disputes about proposals",
    "token": "the token in which stakes, bonds and rewards are paid",
    "peer directory": "the directory in which participants say where their content can be read from",
}
DEEDS = {
    "Joined": ("client", "a participant: it took a seat"),
    "Proposed": ("proposer", "an aggregator: it proposed a global model"),
    "Convicted": ("challenger", "a challenger: it proved a proposal wrong"),
    "Funded": ("from", "a funder: it paid into the pool"),
    "Dropped": ("by", "it put a silent participant out of its seat"),
}
"""Events, the argument that says who did it, and what that makes an account."""


class Role(Model):
    """What an address is or did here; `count` events show it, None for what the configuration says."""

    says: str
    count: int | None


class AddressPage(Model):
    """An address. `rows` are the events that name it, or all for the coordinator, whose they are; the newest first,
    from `first` on of `count`. With `length`, only the first `length` events of the log are looked at, so that pages do
    not move."""

    address: str
    name: str
    roles: tuple[Role, ...]
    is_participant: bool
    is_contract: bool
    length: int
    first: int
    shown: int
    count: int
    rows: tuple[RawRow, ...]


def build(
    site: Site,
    address: str,
    length: Annotated[int | None, Query(ge=0, le=2**53)] = None,
    first: Annotated[int, Query(ge=0, le=2**53)] = 0,
    shown: Annotated[int, Query(ge=1, le=500)] = 50,
) -> AddressPage:
    """An address: what it is in this federation, and the events that name it."""
    try:
        checked = parse_address(address)
    except ValueError as error:
        raise NotThere(f"An address {error}.") from None
    log = site.state.log
    length = len(log) if length is None else min(length, len(log))
    is_coordinator = checked == site.state.federation.coordinator
    events = select(log, Filter(account=None if is_coordinator else checked, length=length))
    contracts = Contracts.of(site.state.federation.coordinator, site.state.federation.config)
    return AddressPage(
        address=checked,
        name=site.names.get(checked, ""),
        roles=tuple(_roles(checked, site.state, contracts, events)),
        is_participant=any(event.name == "Joined" and event.args["client"] == checked for event in events),
        is_contract=contracts.name(checked) is not None,
        length=length,
        first=first,
        shown=shown,
        count=len(events),
        rows=raw_rows(events[first : first + shown], site.entry),
    )


def _roles(address: str, state: State, contracts: Contracts, events: Sequence[Event]) -> Iterator[Role]:
    config, contract = state.federation.config, contracts.name(address)
    if contract is not None:
        yield Role(says=CONTRACTS[contract], count=None)
    for role, says in (
        (config.sponsor, "the sponsor, who set the federation up"),
        (config.rule, "the contract with the rule that makes a global of updates"),
        (config.gate, "the gate, which decides who may take a seat"),
    ):
        if address == role != NOBODY:
            yield Role(says=says, count=None)
    if address == NOBODY:
        yield Role(says="the zero address, which nobody has: contracts use it for “no account”", count=None)
    for name, (argument, says) in DEEDS.items():
        count = sum(event.name == name and event.args[argument] == address for event in events)
        if count:
            yield Role(says=says, count=count)


def _pages(site: Site) -> Iterable[Parameters]:
    """Every account that the log names, and the federation's contracts."""
    federation = site.state.federation
    config = federation.config
    fixed = (federation.coordinator, config.token, config.disputes, config.rule, config.gate, config.sponsor)
    return ({"address": address} for address in dict.fromkeys((*fixed, *site.state.log.accounts())))


ADDRESS = View("address", "/address/{address}", build, pages=_pages)
