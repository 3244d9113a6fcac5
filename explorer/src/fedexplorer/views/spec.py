"""What the federation trains, from its document, whose digest the contract has."""

from __future__ import annotations

import math

from fedprotocol.errors import FedError
from fedprotocol.numbers import UNIT
from fedprotocol.spec import SERVER_LR_ONE, Spec
from fedprotocol.tree import raw_cid

from fedexplorer.content.told import Told
from fedexplorer.follow.state import Federation
from fedexplorer.views.rule_words import rule_in_words
from fedexplorer.views.site import Site
from fedexplorer.views.view import Csv, Hex, Model, View
from fedexplorer.views.work import NO_STORE, PATIENCE, Work, refused, work


class TensorRow(Model):
    """A tensor of the adapter: its values stand from `start` on in the vector, in the leaves first_leaf … last_leaf."""

    name: str
    shape: tuple[int, ...]
    values: int
    start: int
    first_leaf: int
    last_leaf: int


class SpecPage(Model):
    """The document. `spec` is None while it is not here; `fetch` says how that stands. What the contract itself has is
    there always. `largest_change`: of a value by one update, as a real number; None where updates are masked and the
    rule's contract does not say how."""

    digest: Hex
    cid: str
    fetch: Work | None
    text: str
    spec: Spec | None
    rule: str
    rule_says: str
    genesis_root: Hex
    leaf_count: int
    leaf_values: int
    mantissa_bits: int
    is_masked: bool
    max_shift: int
    largest_change: float | None
    server_lr: float
    tensors: tuple[TensorRow, ...]


def build(site: Site) -> SpecPage:
    """What is trained and how, from the federation's document."""
    config, content = site.state.federation.config, site.content
    spec, text, fetch = None, "", None
    if content is None:
        fetch = refused(Told(NO_STORE))
    else:
        try:
            job = content.spec(PATIENCE)
        except FedError as error:
            fetch = refused(error)
        else:
            if job.result is None:
                fetch = work(job)
            else:
                spec, text = job.result.spec, job.result.text.decode("utf-8", "replace")
    return SpecPage(
        digest=config.spec_digest,
        cid=raw_cid(config.spec_digest),
        fetch=fetch,
        text=text,
        spec=spec,
        rule=site.state.federation.rule,
        rule_says=rule_in_words(site.state.federation.rule),
        genesis_root=config.genesis_root,
        leaf_count=config.leaf_count,
        leaf_values=config.leaf_values,
        mantissa_bits=config.mantissa_bits,
        is_masked=config.is_masked,
        max_shift=config.max_shift,
        largest_change=_largest_change(site.state.federation),
        server_lr=config.server_lr / SERVER_LR_ONE,
        tensors=() if spec is None else _tensors(spec),
    )


def _largest_change(federation: Federation) -> float | None:
    config, masking = federation.config, federation.masking
    if config.is_masked:
        return None if masking is None else masking.largest_value
    return (1 << (config.mantissa_bits - 1 + config.max_shift)) * UNIT


def _tensors(spec: Spec) -> tuple[TensorRow, ...]:
    rows, start, size = [], 0, spec.layout.leaf_values
    for tensor in spec.layout.tensors:
        values = math.prod(tensor.shape)
        last = start + values - 1
        rows.append(
            TensorRow(
                name=tensor.name,
                shape=tensor.shape,
                values=values,
                start=start,
                first_leaf=start // size,
                last_leaf=last // size,
            )
        )
        start += values
    return tuple(rows)


def _table(page: SpecPage) -> Csv:
    header = ("tensor", "shape", "values", "start", "first_leaf", "last_leaf")
    return Csv(
        header,
        ((t.name, "x".join(map(str, t.shape)), t.values, t.start, t.first_leaf, t.last_leaf) for t in page.tensors),
    )


SPEC = View("spec", "/spec", build, tables={"tensors": _table})
