"""One leaf of a tree: its bytes, what they mean, and the way from it to the root that the chain has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from fedprotocol.errors import FedError
from fedprotocol.tree import MAX_LEAVES, cid
from pydantic import Field

from fedexplorer.content.content import Content, encoding_of
from fedexplorer.content.opened import OpenTree, Rung
from fedexplorer.content.values import Value, values_of
from fedexplorer.views.named_tree import (
    NamedAs,
    NodeRow,
    every_tree,
    is_global,
    node_row,
    root_in,
    shown,
    tensors_in,
)
from fedexplorer.views.site import Site
from fedexplorer.views.view import Csv, Hex, Model, NotThere, Parameters, View
from fedexplorer.views.work import Work

VALUES = 64  # on one page
MOST_PAGES = 1_000  # of leaves in an export


class Step(Model):
    """One step to the root. `own` and `sibling` are hashed together to `parent`; `own` is on the right if `is_right`.
    Where there is no sibling the node moves up unchanged. `block` are the bytes that are hashed."""

    own: NodeRow
    sibling: NodeRow | None
    is_right: bool
    parent: NodeRow
    block: Hex


class LeafPage(Model):
    """A leaf. `part` is 0 for weights and more for what the rule keeps beside them; `place` is its number in that part.
    `leaf` is None while its bytes are not here, and `digest` too if not even that is known; `fetch` says how that
    stands. `is_masked`: its values look random, and only the sum of all updates of the round means something. `path`
    are the digests of the neighbours from the leaf to the root."""

    root: Hex
    cid: str
    named: tuple[NamedAs, ...]
    is_global: bool
    is_masked: bool
    index: int
    leaf_count: int
    part: int
    place: int
    bits: int
    shift: int
    digest: Hex | None
    leaf: Hex | None
    path: tuple[Hex, ...]
    steps: tuple[Step, ...]
    fetch: Work | None
    first: int
    shown: int
    value_count: int
    values: tuple[Value, ...]


def build(
    site: Site,
    root: str,
    index: Annotated[int, Field(ge=0, le=MAX_LEAVES)],
    first: Annotated[int, Field(ge=0, le=8192)] = 0,
) -> LeafPage:
    """A leaf of a tree: its bytes, its values by tensor, and its path to the root."""
    found = shown(site, root)
    config, opened = site.state.federation.config, found.opened
    count = len(opened) if opened is not None else config.leaf_count * (_parts(site) if found.name.is_global else 1)
    if index >= count:
        raise NotThere(f"This tree has the leaves 0 to {count - 1}.")
    part, place = divmod(index, config.leaf_count)
    encoding = encoding_of(config, found.name)
    leaf = _bytes(site.content, opened, index)
    values = () if leaf is None else values_of(leaf, place, encoding, tensors_in(site.content), first, VALUES)
    return LeafPage(
        root=found.root,
        cid=cid(found.root),
        named=found.named,
        is_global=found.name.is_global,
        is_masked=encoding.is_masked,
        index=index,
        leaf_count=count,
        part=part,
        place=place,
        bits=encoding.bits,
        shift=encoding.shift,
        digest=None if opened is None else opened.digest(index),
        leaf=leaf,
        path=() if opened is None else tuple(opened.path(index)),
        steps=() if opened is None else tuple(map(_step, opened.climb(index))),
        fetch=found.work,
        first=first,
        shown=VALUES,
        value_count=config.leaf_values,
        values=tuple(values),
    )


def _bytes(content: Content | None, opened: OpenTree | None, index: int) -> bytes | None:
    if content is None or opened is None or opened.leaves is None:
        return None
    try:
        with content.reading(opened) as leaves:
            return leaves[index]
    except FedError:
        return None


def _step(rung: Rung) -> Step:
    return Step(
        own=node_row(rung.own),
        sibling=None if rung.sibling is None else node_row(rung.sibling),
        is_right=rung.is_right,
        parent=node_row(rung.parent),
        block=rung.block,
    )


def _values(page: LeafPage) -> Csv:
    """The values on the page."""
    header = ("position", "tensor", "index", "stored", "units", "real")
    rows = ((v.position, v.tensor or "", " ".join(map(str, v.index)), v.stored, v.units, v.real) for v in page.values)
    return Csv(header, rows)


def _pages(site: Site) -> Iterable[Parameters]:
    """Every leaf of every tree, unless there are very many."""
    count, parts = site.state.federation.config.leaf_count, _parts(site)
    leaves = [
        {**tree, "index": index}
        for tree in every_tree(site)
        for index in range(count * (parts if is_global(site, root_in(str(tree["root"]))) else 1))
    ]
    return leaves if len(leaves) <= MOST_PAGES else ()


def _parts(site: Site) -> int:
    """How many parts a global has. If this version does not know the rule, it shows no global, and the answer is 1."""
    content = site.content
    return 1 if content is None or content.rule is None else content.rule.parts


LEAF = View("leaf", "/trees/{root}/leaves/{index}", build, tables={"values": _values}, pages=_pages)
