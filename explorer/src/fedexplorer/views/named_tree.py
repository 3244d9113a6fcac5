"""A tree by the root in a page's address: where the chain names it, and what of it can be shown now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fedprotocol.errors import FedError
from fedprotocol.tree import DAG_CBOR, DIGEST_BYTES, TreeError, parse_cid

from fedexplorer.content.content import Content
from fedexplorer.content.named import Kind, Name, names_of
from fedexplorer.content.opened import Node, OpenTree
from fedexplorer.content.tensors import Tensors
from fedexplorer.content.told import Told
from fedexplorer.errors import NotThere
from fedexplorer.history.records import Standing
from fedexplorer.views.site import Site
from fedexplorer.views.view import Hex, Model, Parameters
from fedexplorer.views.work import NO_STORE, PATIENCE, Work, refused, work


class NamedAs(Model):
    """Where the chain names a root. `kind`: genesis, update or proposal. `index`, `shift`, `weight`: of an update.
    `standing`: of an update accepted or refused, of a proposal final or convicted; empty while it is neither."""

    kind: Kind
    round: int
    account: str
    index: int
    shift: int
    weight: int
    standing: str
    time: int | None
    tx: Hex | None


class NodeRow(Model):
    """A node of the tree, over the leaves first … last."""

    level: int
    index: int
    digest: Hex
    is_leaf: bool
    first: int
    last: int


@dataclass(frozen=True)
class Shown:
    """A root with its names, and its tree as far as it is known: with leaves, with digests only (`opened.leaves` is
    None), or not at all. `work` says how the fetch stands while the leaves are not here."""

    root: bytes
    name: Name
    named: tuple[NamedAs, ...]
    opened: OpenTree | None
    work: Work | None


def root_in(text: str) -> bytes:
    """The root that an address names, in hexadecimal or as a CID. Raises NotThere."""
    digits = text.removeprefix("0x")
    try:
        if len(digits) == 2 * DIGEST_BYTES:
            return bytes.fromhex(digits)
        codec, digest = parse_cid(text)
    except (ValueError, TreeError):
        raise NotThere(
            "The address of a tree is its root: 64 hexadecimal digits, or a CID that begins with b."
        ) from None
    if codec != DAG_CBOR:
        raise NotThere("This is the CID of a single block, not of a tree.")
    return digest


def names_in(site: Site, root: bytes) -> tuple[Name, ...]:
    """Where the chain names a root, at least once. Raises NotThere."""
    names = names_of(root, site.state.log, site.state.federation.config.genesis_root)
    if not names:
        raise NotThere(
            "No update, proposal or global on this chain has this root, so it is not fetched. "
            "If it was revealed a moment ago, look again."
        )
    return names


def shown(site: Site, text: str, patience: float = PATIENCE) -> Shown:
    """The tree at an address; its fetch is begun if it is not here. Raises NotThere."""
    root = root_in(text)
    names = names_in(site, root)
    opened, state = opened_tree(site.content, names[0], patience)
    return Shown(root, names[0], tuple(_named_as(site, name) for name in names), opened, state)


def opened_tree(content: Content | None, name: Name, patience: float = PATIENCE) -> tuple[OpenTree | None, Work | None]:
    """A tree as far as it is known now, and how its fetch stands."""
    if content is None:
        return None, refused(Told(NO_STORE))
    try:
        found = content.open(name, patience)
        if isinstance(found, OpenTree):
            return found, None
        state = work(found)
        if name.kind is not Kind.PROPOSAL:
            return None, state
        digests = content.digests(name, patience)
        return digests.result, state
    except FedError as error:
        return None, refused(error)


def node_row(node: Node) -> NodeRow:
    """The row of a node."""
    return NodeRow(
        level=node.level,
        index=node.index,
        digest=node.digest,
        is_leaf=node.is_leaf,
        first=node.first,
        last=node.last,
    )


def tensors_in(content: Content | None) -> Tensors | None:
    """The tensors of the model; None while the spec is not here. Its fetch is begun."""
    if content is None:
        return None
    try:
        content.spec(PATIENCE)
    except FedError:
        return None
    return content.tensors


def _named_as(site: Site, name: Name) -> NamedAs:
    event = next(
        (e for e in site.state.log.of_round(name.round) if e.name in EVENTS and e.args["root"] == name.root),
        None,
    )
    return NamedAs(
        kind=name.kind,
        round=name.round,
        account=name.account,
        index=name.index,
        shift=name.shift,
        weight=name.weight,
        standing=_standing(site, name),
        time=None if event is None else event.time,
        tx=None if event is None else event.tx_hash,
    )


EVENTS = ("Revealed", "Proposed")


def _standing(site: Site, name: Name) -> str:
    history = site.state.rounds.number(name.round)
    if history is None:
        return ""
    if name.kind is Kind.UPDATE:
        accepted = next((u.accepted for u in history.updates if u.index == name.index), None)
        return "" if accepted is None else "accepted" if accepted else "refused"
    standing = next((p.standing for p in history.proposals if p.root == name.root), None)
    return standing.value if standing in (Standing.FINAL, Standing.CONVICTED) else ""


def is_global(site: Site, root: bytes) -> bool:
    """Whether the chain names this root as a global or a proposal. Raises NotThere."""
    return names_in(site, root)[0].is_global


def every_tree(site: Site) -> Iterable[Parameters]:
    """The root of every tree that is here already, for an export."""
    if site.content is None:
        return
    log, genesis = site.state.log, site.state.federation.config.genesis_root
    roots = [genesis, *(event.args["root"] for name in EVENTS for event in log.named(name))]
    for root in dict.fromkeys(roots):
        yield {"root": "0x" + root.hex()}
