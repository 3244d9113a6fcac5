"""All proposals that were proved wrong."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

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


class DisputesPage(Model):
    """The convictions, the newest first; `first` is the number of the first one on this page. `proposals` were
    completed so far."""

    proposals: int
    count: int
    bounties: int
    burned: int
    first: int
    shown: int
    rows: tuple[DisputeRow, ...]


def build(site: Site, first: Annotated[int, Field(ge=0, le=10_000_000)] = 0) -> DisputesPage:
    """Every proposal that was proved wrong, and what it cost whom."""
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
    )


def _table(page: DisputesPage) -> Csv:
    names = tuple(DisputeRow.model_fields)
    return Csv(names, ([getattr(row, name) for name in names] for row in page.rows))


DISPUTES = View("disputes", "/disputes", build, tables={"": _table})
