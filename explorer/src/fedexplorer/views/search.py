"""The search box: where a text leads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from fastapi import Query

from fedexplorer.search import LONGEST, Found, Hit, Known, find
from fedexplorer.views.events import NAMES
from fedexplorer.views.site import Site
from fedexplorer.views.view import Anything, Model, Parameters, View

Text = Annotated[str, Query(max_length=10_000, description="A round, address, hash, CID, block, event or name")]


class SearchHit(Model):
    """One meaning of the text: a page and its parameters. `is_sure`: the federation has it."""

    page: str
    parameters: Anything
    says: str
    is_sure: bool


class SearchPage(Model):
    """What a text may mean, the surest first. `hint` helps if that is nothing. `leads_to` is the number of the hit that
    a browser goes to at once; None if there is a choice."""

    text: str
    hits: tuple[SearchHit, ...]
    hint: str
    leads_to: int | None


def build(site: Site, q: Text = "") -> SearchPage:
    """What a text in the search box may be, and where it leads."""
    found = find(q, known(site))
    return SearchPage(
        text=q[:LONGEST],
        hits=tuple(
            SearchHit(page=hit.page, parameters=dict(hit.parameters), says=hit.says, is_sure=hit.is_sure)
            for hit in found.hits
        ),
        hint=found.hint,
        leads_to=_only(found),
    )


def _only(found: Found) -> int | None:
    return None if found.only is None else found.hits.index(found.only)


def known(site: Site) -> Known:
    """What the federation has, for the search."""
    state, config = site.state, site.state.federation.config
    contracts = {state.federation.coordinator, config.token, config.disputes, config.rule, config.sponsor}
    return Known(
        rounds=state.snapshot.last_opened,
        head=state.head,
        names=site.names,
        accounts={*state.log.accounts(), *contracts},
        event_names=NAMES,
        has_transaction=lambda tx_hash: bool(state.log.of_transaction(tx_hash)),
        block_of=lambda digest: next((e.block for e in state.log if e.block_hash == digest), None),
        content_of=lambda digest: content_of(site, digest),
    )


def content_of(site: Site, digest: bytes) -> Sequence[Hit]:
    """What in the federation has this root or digest."""
    log, config, root = site.state.log, site.state.federation.config, {"root": "0x" + digest.hex()}
    hits = [Hit("spec", {}, "the spec, which says what is trained")] if digest == config.spec_digest else []
    if digest == config.genesis_root:
        hits.append(Hit("tree", root, "the genesis, the global model before any training"))
    finals = {e.args["round"] for e in log.named("RoundFinalized") if e.args["root"] == digest}
    hits += [Hit("tree", root, f"the global model of round {number}") for number in sorted(finals)]
    for event in log.named("Proposed"):
        if event.args["root"] == digest and event.args["round"] not in finals:
            hits.append(Hit("tree", root, f"a proposal in round {event.args['round']}"))
    for event in log.named("Revealed"):
        if event.args["root"] == digest:
            who = site.names.get(event.args["client"], event.args["client"])
            hits.append(Hit("tree", root, f"the update of {who} in round {event.args['round']}"))
    return hits


def _goes_to(page: SearchPage) -> tuple[str, Parameters] | None:
    if page.leads_to is None:
        return None
    hit = page.hits[page.leads_to]
    return hit.page, hit.parameters


def _none(_: Site) -> Iterable[Parameters]:
    """A page in a file cannot search."""
    return ()


SEARCH = View("search", "/search", build, pages=_none, goes_to=_goes_to)
