"""How the values of a tree are distributed, as a page shows it."""

from __future__ import annotations

from fedprotocol.errors import FedError

from fedexplorer.content.content import Change, Content
from fedexplorer.content.named import Name
from fedexplorer.content.opened import OpenTree
from fedexplorer.content.statistics import Statistics, Summary
from fedexplorer.views.view import Model
from fedexplorer.views.work import PATIENCE, Work, refused, work


class Numbers(Model):
    """How values are distributed, as real numbers."""

    name: str
    shape: tuple[int, ...]
    count: int
    zeros: int
    zero_share: float
    smallest: float
    largest: float
    mean: float
    norm: float


class Distribution(Model):
    """Numbers about all values and about each tensor, and a histogram: `counts` values lie between two `edges`."""

    whole: Numbers
    tensors: tuple[Numbers, ...]
    edges: tuple[float, ...]
    counts: tuple[int, ...]


def distribution(
    content: Content | None, name: Name, opened: OpenTree | None, before: bytes | None
) -> tuple[Distribution | None, Work | None]:
    """The numbers of a tree or, with `before`, of what changed since that global; or how far counting them is."""
    if content is None or opened is None or opened.leaves is None:
        return None, None
    try:
        job = content.statistics(Change(name, before), PATIENCE)
    except FedError as error:
        return None, refused(error)
    return (None, work(job)) if job.result is None else (_shown(job.result), None)


def _shown(found: Statistics) -> Distribution:
    return Distribution(
        whole=_numbers("all values", (), found.whole),
        tensors=tuple(_numbers(t.name, t.shape, t.summary) for t in found.tensors),
        edges=found.histogram.edges,
        counts=found.histogram.counts,
    )


def _numbers(name: str, shape: tuple[int, ...], summary: Summary) -> Numbers:
    return Numbers(
        name=name,
        shape=shape,
        count=summary.count,
        zeros=summary.zeros,
        zero_share=summary.zero_share,
        smallest=summary.smallest,
        largest=summary.largest,
        mean=summary.mean,
        norm=summary.norm,
    )
