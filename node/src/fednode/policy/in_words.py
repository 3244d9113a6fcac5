"""The policy, an approval and the log as people read them."""

from __future__ import annotations

from collections.abc import Iterator

from fedprotocol.losses import MICRO, told
from fedprotocol.quantities import size
from fedprotocol.spec import Spec
from fedprotocol.types import FederationConfig

from fednode.policy.document import Allowance, PolicyFile
from fednode.policy.entries import Approved, Left, Told
from fednode.policy.log import History, Line
from fednode.policy.verdict import SEEN_IN, Practice


def to_be_approved(policy: PolicyFile, practice: Practice, spec: Spec, terms: FederationConfig) -> Iterator[str]:
    """Lines for whoever is about to approve that the site takes part."""
    yield f"federation   {spec.name}, {spec.training.rounds} rounds"
    yield f"spec         {practice.spec}"
    yield f"contract     {practice.coordinator} on chain {practice.chain_id}"
    yield f"account      {practice.account}, this site's"
    yield f"model        {spec.base_model.id}"
    yield f"rule         {spec.rule}"
    gate = "anybody with a stake may join" if int(terms.gate, 16) == 0 else f"who may join is decided by {terms.gate}"
    yield f"members      {terms.min_clients} to {terms.max_clients}; {gate}"
    yield f"mode         {practice.mode}: {SEEN_IN[practice.mode]}"
    yield f"noise        {f'multiplier {practice.noise:g}' if practice.noise else 'none is added at this site'}"
    allowance = policy.policy.allowance(practice.spec)
    if allowance is not None:
        yield f"peers        {peers(allowance)}"
    yield f"policy       {policy.digest} of {policy.policy.site}"


def peers(allowance: Allowance) -> str:
    """Who must take part."""
    if not allowance.peers:
        return "the policy asks for none"
    return f"at least {allowance.needed_peers} of {', '.join(allowance.peers)}"


def log_lines(history: History) -> Iterator[str]:
    """The log, a line for each entry and for what is missing."""
    for line in history.lines:
        if not line.follows:
            yield "entries are missing here"
        yield _entry(line)
    if history.is_cut:
        yield "entries are missing here: this node wrote more than the log has"
    if history.torn:
        yield f"{history.torn} unfinished line{'' if history.torn == 1 else 's'}: the program was killed while it wrote"


def _entry(line: Line) -> str:
    entry = line.entry
    match entry:
        case Left():
            return f"{entry.at}  {_left(entry)}"
        case Told():
            return f"{entry.at}  {_told(entry)}"
        case _:
            return f"{entry.at}  {_approved(entry)}"


def _approved(entry: Approved) -> str:
    signed = "signed with" if entry.is_signed else "NOT signed with"
    return (
        f"approved  {entry.federation} (spec {entry.spec}) at {entry.coordinator}, under the policy {entry.policy}, "
        f"by {entry.by}; {signed} the key of {entry.account}"
    )


def _told(entry: Told) -> str:
    named = (("training", entry.trained), ("score", entry.scored), ("money", entry.settled))
    what = ", ".join(f"{name} of round {', '.join(map(str, rounds))}" for name, rounds in named if rounds)
    return f"told      {entry.to}: {what}"


def _left(entry: Left) -> str:
    losses = "no losses"
    if told(entry.loss_before, entry.loss_after):
        losses = f"loss {entry.loss_before / MICRO:.3f} to {entry.loss_after / MICRO:.3f}"
    spent = "" if entry.epsilon is None else f", epsilon {entry.epsilon:.3g} after it"
    return (
        f"left      round {entry.round}, {entry.mode}: update {entry.root}, {size(entry.bytes)}; {entry.examples} "
        f"examples, {losses}{spent}"
    )
