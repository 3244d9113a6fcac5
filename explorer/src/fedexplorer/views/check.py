"""Checking a round in the reader's browser: what the explorer says that the chain says, which is all that `check.js`
needs beside the leaves, and how to ask somebody else whether it is so."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Annotated

from eth_utils.abi import event_abi_to_log_topic, function_abi_to_4byte_selector
from fedaggregator.rules import RuleError, rule_named
from fedprotocol.chain.abi import entry
from fedprotocol.masks.document import Masking
from pydantic import Field

from fedexplorer.content.inputs import NothingToRecompute, inputs_of
from fedexplorer.history.records import Proposal, RoundHistory, Standing
from fedexplorer.views.rule_words import rule_in_words
from fedexplorer.views.site import Site
from fedexplorer.views.view import Csv, Hex, Model, NotThere, Parameters, View

BYTES_AT_ONCE = 1 << 18  # of a global, in one request or in one file of an export
WORD = 64  # hexadecimal digits of one word of the contract


class CheckedUpdate(Model):
    """A revealed update."""

    index: int
    client: str
    root: Hex
    weight: int
    shift: int
    accepted: bool


class CheckedVote(Model):
    """Which updates a client vouches for: a number in hexadecimal, whose bit i is update i."""

    client: str
    bitmap: str


class Manifest(Model):
    """What the explorer says that the chain says about a round; `check.js` explains it."""

    rule: str
    parts: int
    leaf_count: int
    leaf_values: int
    mantissa_bits: int
    server_lr: int
    masking: Masking | None
    chain_id: int
    coordinator: str
    round: int
    prior_root: Hex
    inputs_hash: Hex
    updates: tuple[CheckedUpdate, ...]
    votes: tuple[CheckedVote, ...]


class Claimed(Model):
    """A global that somebody proposed, or that the round ended with. `standing`: what has become of it."""

    root: Hex
    proposer: str
    standing: Standing


class Question(Model):
    """What to ask any node of the chain, as JSON-RPC, and what the answer has to hold. `says`: what that proves."""

    says: str
    request: str
    answer: str


class CheckPage(Model):
    """A round to be checked. `reason` says why it cannot be; otherwise it is empty. `claims`: the final global first,
    otherwise the oldest proposal that stands. `size` is how many bytes the check reads, `at_once` how many leaves it
    reads together."""

    number: int
    reason: str
    rule_says: str
    manifest: Manifest | None
    claims: tuple[Claimed, ...]
    questions: tuple[Question, ...]
    size: int
    at_once: int


def build(site: Site, number: Annotated[int, Field(ge=0, le=2**53)]) -> CheckPage:
    """Everything that is needed to check a round's global without believing anybody but the chain."""
    history, config = site.state.rounds.number(number), site.state.federation.config
    if history is None:
        raise NotThere(f"There is no round {number}: {site.state.snapshot.last_opened} were opened so far.")
    claims = tuple(
        Claimed(root=p.root, proposer=p.proposer, standing=p.standing) for p in sorted(history.proposals, key=_order)
    )
    try:
        inputs = inputs_of(history)
        nobody = "Nobody has proposed a global" if history.settled_at is None else "Nobody had proposed a global"
        yet = " yet" if history.settled_at is None else " when it ended"
        reason = "" if claims else f"{nobody} for round {number}{yet}."
    except NothingToRecompute as error:
        reason = f"{str(error)[:1].upper()}{str(error)[1:]}."
    if reason:
        return CheckPage(
            number=number, reason=reason, rule_says="", manifest=None, claims=claims, questions=(), size=0, at_once=0
        )
    manifest = manifest_of(site, history)
    width = 2 * 32 * manifest.parts + len(inputs.updates) * config.mantissa_bits
    return CheckPage(
        number=number,
        reason="",
        rule_says=rule_in_words(manifest.rule),
        manifest=manifest,
        claims=claims,
        questions=(_about_inputs(manifest), *_about_claims(manifest, history)),
        size=config.leaf_count * config.leaf_values * width // 8,
        at_once=leaves_at_once(config.leaf_values),
    )


def leaves_at_once(leaf_values: int) -> int:
    """How many leaves of each part of a tree are read together."""
    return max(1, BYTES_AT_ONCE // (4 * leaf_values))


def _order(proposal: Proposal) -> int:
    return [Standing.FINAL, Standing.LIVE, Standing.LOST, Standing.CONVICTED].index(proposal.standing)


def manifest_of(site: Site, history: RoundHistory) -> Manifest:
    """What the chain says about a round, of which at least one update was revealed."""
    federation, config = site.state.federation, site.state.federation.config
    reveals = [event for event in site.state.log.of_round(history.number) if event.name == "Revealed"]
    return Manifest(
        rule=federation.rule,
        parts=_parts(federation.rule),
        leaf_count=config.leaf_count,
        leaf_values=config.leaf_values,
        mantissa_bits=config.mantissa_bits,
        server_lr=config.server_lr,
        masking=federation.masking,
        chain_id=federation.chain_id,
        coordinator=federation.coordinator,
        round=history.number,
        prior_root=history.prior_root or b"",
        inputs_hash=reveals[-1].args["inputs_hash"],
        updates=tuple(
            CheckedUpdate(
                index=u.index, client=u.client, root=u.root, weight=u.weight, shift=u.shift, accepted=bool(u.accepted)
            )
            for u in history.updates
        ),
        votes=tuple(CheckedVote(client=vote.client, bitmap=hex(vote.bitmap)) for vote in history.votes),
    )


def _parts(rule: str) -> int:
    """0 if this version does not know the rule, which `check.js` does not either."""
    try:
        return rule_named(rule).parts
    except RuleError:
        return 0


def _about_inputs(manifest: Manifest) -> Question:
    selector = function_abi_to_4byte_selector(entry("coordinator", "function", "inputs"))  # type: ignore[arg-type]
    mask = sum(1 << update.index for update in manifest.updates if update.accepted)
    call = {"to": manifest.coordinator, "data": "0x" + selector.hex() + _word(manifest.round)}
    return Question(
        says="Which updates were revealed, by whom, with which weight and shift, in which order, which of them were "
        "accepted, and with which global the round began",
        request=_request("eth_call", call, "latest"),
        answer="0x" + manifest.inputs_hash.hex() + _word(mask) + manifest.prior_root.hex(),
    )


def _about_claims(manifest: Manifest, history: RoundHistory) -> Iterable[Question]:
    for proposal in sorted(history.proposals, key=_order):
        is_final = proposal.standing is Standing.FINAL and history.settled is not None
        place = history.settled if is_final and history.settled is not None else proposal.place
        event = "RoundFinalized" if is_final else "Proposed"
        topics: list[str | None] = ["0x" + event_abi_to_log_topic(entry("coordinator", "event", event)).hex()]  # type: ignore[arg-type]
        topics.append("0x" + _word(manifest.round))
        if not is_final:  # its root is a topic too, behind its proposer
            topics += [None, "0x" + proposal.root.hex()]
        yield Question(
            says=f"Which global {'the round ended with' if is_final else proposal.proposer + ' proposed'}",
            request=_request(
                "eth_getLogs",
                {
                    "address": manifest.coordinator,
                    "topics": topics,
                    "fromBlock": hex(place.block),
                    "toBlock": hex(place.block),
                },
            ),
            answer=proposal.root.hex(),
        )


def _word(number: int) -> str:
    return f"{number:0{WORD}x}"


def _request(method: str, *parameters: object) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})


def _updates(page: CheckPage) -> Csv:
    header = ("index", "client", "root", "weight", "shift", "accepted")
    updates: Sequence[CheckedUpdate] = page.manifest.updates if page.manifest else ()
    return Csv(header, ([getattr(update, name) for name in header] for update in updates))


def _pages(site: Site) -> Iterable[Parameters]:
    return ({"number": number} for number in range(1, site.state.snapshot.last_opened + 1))


CHECK = View("check", "/rounds/{number}/check", build, tables={"updates": _updates}, pages=_pages)
