"""A tree, opened as far as a person wants: an update, a proposal or a global."""

from __future__ import annotations

from typing import Annotated

from fedprotocol.tree import MAX_LEAVES, cid
from pydantic import Field

from fedexplorer.content.content import encoding_of
from fedexplorer.content.named import Kind
from fedexplorer.content.opened import Node, OpenTree
from fedexplorer.content.tensors import Tensors
from fedexplorer.views.distribution import Distribution
from fedexplorer.views.distribution import distribution as distributed
from fedexplorer.views.named_tree import (
    NamedAs,
    NodeRow,
    Shown,
    every_tree,
    node_row,
    shown,
    tensors_in,
)
from fedexplorer.views.site import Site
from fedexplorer.views.view import Csv, Hex, Model, NotThere, View
from fedexplorer.views.work import Work

LEAVES = 64  # on one page


class LeafRow(Model):
    """A leaf: `part` and `place` are where it stands in a global that has several parts; `tensors` are the names of
    those that have values in it."""

    index: int
    part: int
    place: int
    digest: Hex
    tensors: tuple[str, ...]


class TreePage(Model):
    """A tree. `is_served`: its leaves are here; otherwise `fetch` says how that stands, and for a proposal the digests
    in the chain's log are shown. `before` is the global that a round began with, if this is a proposal: then
    `distribution` is of what the round would change. `is_masked`: its values look random, and only the sum of all
    updates of the round means something."""

    root: Hex
    cid: str
    named: tuple[NamedAs, ...]
    is_global: bool
    is_masked: bool
    is_served: bool
    has_digests: bool
    fetch: Work | None
    leaf_count: int
    leaf_bytes: int
    leaf_values: int
    bits: int
    parts: int
    before: Hex | None
    height: int
    trail: tuple[NodeRow, ...]
    children: tuple[NodeRow, ...]
    first: int
    shown: int
    leaves: tuple[LeafRow, ...]
    spec_is_known: bool
    distribution: Distribution | None
    counting: Work | None


def build(
    site: Site,
    root: str,
    level: Annotated[int | None, Field(ge=0, le=32)] = None,
    node: Annotated[int, Field(ge=0, le=MAX_LEAVES)] = 0,
    first: Annotated[int, Field(ge=0, le=MAX_LEAVES)] = 0,
) -> TreePage:
    """The tree of an update, a proposal or a global: its nodes, its leaves, and how its values are distributed."""
    found = shown(site, root)
    config, opened = site.state.federation.config, found.opened
    tensors = tensors_in(site.content)
    parts = 1 if opened is None or not found.name.is_global else len(opened) // config.leaf_count
    before = _before(site, found)
    encoding = encoding_of(config, found.name)
    hidden = encoding.is_masked
    distribution, counting = (None, None) if hidden else distributed(site.content, found.name, opened, before)
    return TreePage(
        root=found.root,
        cid=cid(found.root),
        named=found.named,
        is_global=found.name.is_global,
        is_masked=hidden,
        is_served=opened is not None and opened.leaves is not None,
        has_digests=opened is not None,
        fetch=found.work,
        leaf_count=config.leaf_count * parts,
        leaf_bytes=config.leaf_values * encoding.bits // 8,
        leaf_values=config.leaf_values,
        bits=encoding.bits,
        parts=parts,
        before=before,
        height=0 if opened is None else opened.height,
        trail=() if opened is None else tuple(map(node_row, _trail(opened, level, node))),
        children=() if opened is None else tuple(map(node_row, opened.children(_trail(opened, level, node)[-1]))),
        first=first,
        shown=LEAVES,
        leaves=() if opened is None else _leaves(opened, first, config.leaf_count, config.leaf_values, tensors),
        spec_is_known=tensors is not None,
        distribution=distribution,
        counting=counting,
    )


def _before(site: Site, found: Shown) -> bytes | None:
    """The global that a proposal's round began with."""
    history = site.state.rounds.number(found.name.round)
    return None if history is None or found.name.kind is not Kind.PROPOSAL else history.prior_root


def _trail(opened: OpenTree, level: int | None, node: int) -> list[Node]:
    """The nodes from the root to the one that is open. Raises NotThere."""
    at = opened.height if level is None else level
    try:
        open_node = opened.node(at, node)
    except IndexError:
        raise NotThere(f"This tree has no node {node} on level {at}; its root is on level {opened.height}.") from None
    return [opened.node(up, open_node.index >> (up - at)) for up in range(opened.height, at - 1, -1)]


def _leaves(
    opened: OpenTree, first: int, leaf_count: int, leaf_values: int, tensors: Tensors | None
) -> tuple[LeafRow, ...]:
    rows = []
    for index in range(first, min(first + LEAVES, len(opened))):
        part, place = divmod(index, leaf_count)
        spans = () if tensors is None else tensors.spans(place * leaf_values, (place + 1) * leaf_values)
        names = tuple(tensors.names[span.tensor] for span in spans) if tensors is not None else ()
        rows.append(LeafRow(index=index, part=part, place=place, digest=opened.digest(index), tensors=names))
    return tuple(rows)


def _tensor_table(page: TreePage) -> Csv:
    header = ("tensor", "shape", "values", "zeros", "smallest", "largest", "mean", "l2_norm")
    rows = () if page.distribution is None else (page.distribution.whole, *page.distribution.tensors)
    return Csv(
        header,
        ((n.name, "x".join(map(str, n.shape)), n.count, n.zeros, n.smallest, n.largest, n.mean, n.norm) for n in rows),
    )


def _leaf_table(page: TreePage) -> Csv:
    """The leaves on the page."""
    rows = ((leaf.index, leaf.part, leaf.place, leaf.digest, " ".join(leaf.tensors)) for leaf in page.leaves)
    return Csv(("leaf", "part", "place", "digest", "tensors"), rows)


TABLES = {"tensors": _tensor_table, "leaves": _leaf_table}
TREE = View("tree", "/trees/{root}", build, tables=TABLES, pages=every_tree)
