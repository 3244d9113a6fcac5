"""A round that was made void because its masked updates add up to what no honest ones do, replayed value by value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from fedprotocol.errors import FedError
from fedprotocol.types import VoidReason
from pydantic import Field

from fedexplorer.content.tensors import Tensors
from fedexplorer.content.told import Told
from fedexplorer.disputes.impeached import Impeached
from fedexplorer.errors import NotThere
from fedexplorer.history.records import RoundHistory
from fedexplorer.views.case_rows import MOST_LISTED, Case, ShareRow, case_fields, share_fields
from fedexplorer.views.check import Manifest, manifest_of
from fedexplorer.views.history_at import history_at
from fedexplorer.views.leaf_proof import SumsProof, sums_proof
from fedexplorer.views.named_tree import tensors_in
from fedexplorer.views.site import Site
from fedexplorer.views.view import Csv, Hex, Model, Parameters, View
from fedexplorer.views.work import NO_STORE, PATIENCE, Work, refused, work


class MaskedRow(ShareRow):
    """What one client put in at the value that is shown, masked, and the sum of all up to it, modulo 2^32."""

    masked: int
    sum: int


class Garbage(Case):
    """The leaf that made the round void. `limit`: no sum of honest updates is further from 0. `outside` are the places
    of values that are, `outside_count` of them; the one on the page is `at`, whose sum is the last one in `inputs`.
    `tensor` and `index` say where it belongs in the model."""

    bound: int
    limit: int
    outside_count: int
    outside: tuple[int, ...]
    at: int
    tensor: str | None
    index: tuple[int, ...]
    inputs: tuple[MaskedRow, ...]

    @property
    def sum(self) -> int:
        """What all updates add up to at the value on the page."""
        return self.inputs[-1].sum


class ImpeachmentPage(Model):
    """A round that was impeached, and the replay or how it stands. `bonds`: of the proposals that stood, which went
    back. `manifest` and `proof` are what the check in the reader's browser needs; None where there is none."""

    round: int
    updates: int
    time: int
    tx: Hex
    proposals: int
    bonds: int
    replaying: Work | None
    replay: Garbage | None
    manifest: Manifest | None
    proof: SumsProof | None


def build(
    site: Site,
    number: Annotated[int, Field(ge=1, le=1 << 32)],
    value: Annotated[int | None, Field(ge=0, le=8191)] = None,
) -> ImpeachmentPage:
    """A round that is void because somebody sent something else than a masked update: why that is certain, in
    numbers."""
    history = history_at(site, number)
    if history.void_reason is not VoidReason.GARBAGE or history.settled is None:
        raise NotThere(f"Round {number} was not made void for what its updates add up to.")
    found, state = _replay(site, history)
    proof = None if found is None else sums_proof(found.found)
    live = [proposal for proposal in history.proposals if proposal.conviction is None]
    return ImpeachmentPage(
        round=number,
        updates=len(history.updates),
        time=history.settled.time,
        tx=history.settled.tx,
        proposals=len(live),
        bonds=sum(proposal.bond for proposal in live),
        replaying=state,
        replay=None if found is None else _garbage(found, tensors_in(site.content), value),
        manifest=None if proof is None else manifest_of(site, history),
        proof=proof,
    )


def _replay(site: Site, history: RoundHistory) -> tuple[Impeached | None, Work | None]:
    if site.disputes is None:
        return None, refused(Told(NO_STORE))
    try:
        job = site.disputes.impeachment(history, PATIENCE)
    except FedError as error:
        return None, refused(error)
    return job.result, None if job.result is not None else work(job)


def _garbage(done: Impeached, tensors: Tensors | None, value: int | None) -> Garbage:
    found, size = done.found, len(done.sums)
    at = done.outside[0] if value is None else value
    if at >= size:
        raise NotThere(f"A leaf has the values 0 to {size - 1}.")
    tensor, index = tensors.owner(found.leaf * size + at) if tensors is not None else (None, ())
    return Garbage(
        **case_fields(found, size, done.weight),
        bound=done.bound,
        limit=done.limit,
        outside_count=len(done.outside),
        outside=done.outside[:MOST_LISTED],
        at=at,
        tensor=tensor,
        index=index,
        inputs=tuple(
            MaskedRow(**share_fields(share), masked=masked, sum=running)
            for share, (masked, running) in zip(found.shares, done.column(at), strict=True)
        ),
    )


def _pages(site: Site) -> Iterable[Parameters]:
    """Every impeached round."""
    return ({"number": history.number} for history in impeached_rounds(site))


def impeached_rounds(site: Site) -> Iterable[RoundHistory]:
    """All that are void for this reason, in order."""
    return (history for history in site.state.rounds.all if history.void_reason is VoidReason.GARBAGE)


def _inputs(page: ImpeachmentPage) -> Csv:
    """What the clients put in at the value on the page."""
    header = ("index", "client", "root", "weight", "masked", "sum")
    rows = () if page.replay is None else page.replay.inputs
    return Csv(header, ([getattr(row, name) for name in header] for row in rows))


IMPEACHMENT = View("impeachment", "/rounds/{number}/impeachment", build, tables={"inputs": _inputs}, pages=_pages)
