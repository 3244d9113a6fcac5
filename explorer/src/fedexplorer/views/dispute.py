"""One conviction, replayed leaf by leaf and value by value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from fedprotocol.errors import FedError
from fedprotocol.masks.document import Masking
from fedprotocol.tree import cid
from pydantic import Field

from fedexplorer.content.named import Kind, Name
from fedexplorer.content.told import Told
from fedexplorer.disputes.replay import Replay
from fedexplorer.errors import NotThere
from fedexplorer.history.records import Conviction, Proposal, RoundHistory
from fedexplorer.views.check import Manifest, manifest_of
from fedexplorer.views.history_at import history_at
from fedexplorer.views.leaf_proof import LeafProof, leaf_proof
from fedexplorer.views.named_tree import opened_tree, root_in, tensors_in
from fedexplorer.views.replayed import Replayed, replayed
from fedexplorer.views.site import Site
from fedexplorer.views.view import Csv, Hex, Model, Parameters, View
from fedexplorer.views.work import NO_STORE, PATIENCE, Work, refused, work


class DisputePage(Model):
    """A conviction: the proposal, the money, and the replay or how it stands. `lie` says why the lie's bytes are not
    known. `masking`: how updates are masked; None where they are not. `manifest` and `proof` are what the check in the
    reader's browser needs; None where there is none."""

    round: int
    proposer: str
    root: Hex
    cid: str
    prior_root: Hex | None
    bond: int
    proposed_at: int
    proposed_tx: Hex
    window_end: int
    challenger: str
    bounty: int
    burned: int
    convicted_at: int
    convicted_tx: Hex
    right_root: Hex | None
    rule: str
    masking: Masking | None
    replaying: Work | None
    replay: Replayed | None
    lie: Work | None
    manifest: Manifest | None
    proof: LeafProof | None


def build(
    site: Site,
    number: Annotated[int, Field(ge=1, le=1 << 32)],
    root: str,
    value: Annotated[int | None, Field(ge=0, le=8191)] = None,
) -> DisputePage:
    """A proposal that was proved wrong: what it claimed, what is right, and why, in numbers."""
    history = history_at(site, number)
    wanted = root_in(root)
    proposal = next((p for p in history.proposals if p.root == wanted), None)
    if proposal is None or proposal.conviction is None:
        raise NotThere(f"No proposal with this root was convicted in round {number}.")
    replay, state = _replay(site, history, proposal)
    claimed, lie = (None, None) if replay is None else _claimed(site, history, proposal, replay)
    return _page(site, history, proposal, proposal.conviction, replay, state, claimed, lie, value)


def _replay(site: Site, history: RoundHistory, proposal: Proposal) -> tuple[Replay | None, Work | None]:
    if site.disputes is None:
        return None, refused(Told(NO_STORE))
    try:
        job = site.disputes.replay(history, proposal, PATIENCE)
    except FedError as error:
        return None, refused(error)
    return job.result, None if job.result is not None else work(job)


def _claimed(site: Site, history: RoundHistory, proposal: Proposal, replay: Replay) -> tuple[bytes | None, Work | None]:
    """The bytes behind the digest that was proposed, if somebody serves them."""
    opened, state = opened_tree(site.content, Name(Kind.PROPOSAL, proposal.root, history.number, proposal.proposer))
    if site.content is None or opened is None or opened.leaves is None:
        return None, state
    try:
        with site.content.reading(opened) as leaves:
            leaf = leaves[replay.leaf_in_global]
        replay.claimed_values(leaf)
    except FedError as error:
        return None, refused(error)
    return leaf, None


def _page(
    site: Site,
    history: RoundHistory,
    proposal: Proposal,
    conviction: Conviction,
    replay: Replay | None,
    replaying: Work | None,
    claimed: bytes | None,
    lie: Work | None,
    value: int | None,
) -> DisputePage:
    proof = None if replay is None else leaf_proof(replay)
    return DisputePage(
        round=history.number,
        proposer=proposal.proposer,
        root=proposal.root,
        cid=cid(proposal.root),
        prior_root=history.prior_root,
        bond=proposal.bond,
        proposed_at=proposal.place.time,
        proposed_tx=proposal.place.tx,
        window_end=proposal.window_end,
        challenger=conviction.challenger,
        bounty=conviction.bounty,
        burned=conviction.burned,
        convicted_at=conviction.place.time,
        convicted_tx=conviction.place.tx,
        right_root=history.global_root,
        rule=site.state.federation.rule,
        masking=site.state.federation.masking,
        replaying=replaying,
        replay=None if replay is None else replayed(replay, claimed, tensors_in(site.content), value),
        lie=lie,
        manifest=None if proof is None else manifest_of(site, history),
        proof=proof,
    )


def _pages(site: Site) -> Iterable[Parameters]:
    """Every conviction."""
    for event in site.state.log.named("Convicted"):
        yield {"number": event.args["round"], "root": "0x" + event.args["root"].hex()}


def _inputs(page: DisputePage) -> Csv:
    """What the clients put in at the value on the page."""
    header = ("index", "client", "root", "weight", "shift", "mantissa", "units", "real")
    rows = () if page.replay is None else page.replay.shown.inputs
    return Csv(header, ([getattr(row, name) for name in header] for row in rows))


def _calls(page: DisputePage) -> Csv:
    """The transactions of the case."""
    header = ("name", "tx", "sender", "block", "time", "start", "stop", "data_bytes", "gas", "fee")
    rows = () if page.replay is None else page.replay.calls
    return Csv(header, ([getattr(row, name) for name in header] for row in rows))


DISPUTE = View(
    "dispute", "/rounds/{number}/disputes/{root}", build, tables={"inputs": _inputs, "calls": _calls}, pages=_pages
)
