"""All proposals that were proved wrong, and all rounds that are void for what their masked updates add up to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

from pydantic import Field

from fedexplorer.views.impeachment import impeached_rounds
from fedexplorer.views.site import Site
from fedexplorer.views.view import Csv, Hex, Model, View

SHOWN = 100  # on one page


class DisputeRow(Model):
    """A conviction: who had proposed what with which bond, and who proved it wrong."""

    round: int
    proposer: str
    root: Hex
    bond: int
    challenger: str
    bounty: int
    burned: int
    time: int
    block: int
    tx: Hex
    after: int  # seconds from the proposal to its conviction


class ImpeachedRow(Model):
    """A round that was made void because so many masked updates add up to what no honest ones do."""

    round: int
    updates: int
    time: int
    tx: Hex


class DisputesPage(Model):
    """The convictions, the newest first; `first` is the number of the first one on this page. `proposals` were
    completed so far. `impeached`: the rounds of a masked federation that were made void, the newest first."""

    proposals: int
    count: int
    bounties: int
    burned: int
    first: int
    shown: int
    rows: tuple[DisputeRow, ...]
    is_masked: bool
    impeached: tuple[ImpeachedRow, ...]


def build(site: Site, first: Annotated[int, Field(ge=0, le=10_000_000)] = 0) -> DisputesPage:
    """Every proposal that was proved wrong, and what it cost whom; every round that was impeached."""
    log = site.state.log
    proposed = {(e.args["round"], e.args["root"]): e for e in log.named("Proposed")}
    rows = []
    for event in reversed(log.named("Convicted")):
        args = event.args
        by = proposed.get((args["round"], args["root"]))
        bond, since = (args["bounty"], event.time) if by is None else (by.args["bond"], by.time)
        rows.append(
            DisputeRow(
                round=args["round"],
                proposer=args["proposer"],
                root=args["root"],
                bond=bond,
                challenger=args["challenger"],
                bounty=args["bounty"],
                burned=bond - args["bounty"],
                time=event.time,
                block=event.block,
                tx=event.tx_hash,
                after=event.time - since,
            )
        )
    return DisputesPage(
        proposals=len(proposed),
        count=len(rows),
        bounties=sum(row.bounty for row in rows),
        burned=sum(row.burned for row in rows),
        first=first,
        shown=SHOWN,
        rows=tuple(rows[first : first + SHOWN]),
        is_masked=site.state.federation.config.is_masked,
        impeached=tuple(_impeached(site))[::-1],
    )


def _impeached(site: Site) -> Iterator[ImpeachedRow]:
    for history in impeached_rounds(site):
        if (by := history.settled) is not None:
            yield ImpeachedRow(round=history.number, updates=len(history.updates), time=by.time, tx=by.tx)


def _rows(kind: type[Model], rows: Iterable[Model]) -> Csv:
    names = tuple(kind.model_fields)
    return Csv(names, ([getattr(row, name) for name in names] for row in rows))


TABLES = {
    "": lambda page: _rows(DisputeRow, page.rows),
    "impeached": lambda page: _rows(ImpeachedRow, page.impeached),
}
DISPUTES = View("disputes", "/disputes", build, tables=TABLES)
