"""Scores of single items, and what they add up to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

OnProgress = Callable[[int, int], None]
"""Called with how much is done and how much there is; an exception from it stops the work and passes through."""


@dataclass(frozen=True)
class ItemScore:
    """One item. `loss`: mean over its answer tokens, in nats; `right`: None if the spec names no classes."""

    loss: float
    right: bool | None
    domain: str | None


@dataclass(frozen=True)
class DomainScore:
    """Means over the items of one domain."""

    loss: float
    accuracy: float | None
    items: int


@dataclass(frozen=True)
class Evaluation:
    """Means over all `items`: every item counts the same, so that scores of parts, weighted by items, make the whole.

    `accuracy` (0 to 1) is None if the spec names no classes; `by_domain` is empty if the data names no domains.
    """

    loss: float
    accuracy: float | None
    items: int
    by_domain: dict[str, DomainScore]


def summarize(items: Sequence[ItemScore]) -> Evaluation:
    """The evaluation that at least one scored item adds up to."""
    parts: dict[str, list[ItemScore]] = defaultdict(list)
    for item in items:
        if item.domain is not None:
            parts[item.domain].append(item)
    whole = _mean(items)
    by_domain = {domain: _mean(parts[domain]) for domain in sorted(parts)}
    return Evaluation(whole.loss, whole.accuracy, whole.items, by_domain)


def _mean(items: Sequence[ItemScore]) -> DomainScore:
    judged = [item.right for item in items if item.right is not None]
    return DomainScore(
        loss=sum(item.loss for item in items) / len(items),
        accuracy=sum(judged) / len(judged) if judged else None,
        items=len(items),
    )


def together(parts: Sequence[Evaluation]) -> Evaluation:
    """The evaluation of at least one part's items and all the others'; all parts have classes, or none has."""
    domains: dict[str, list[DomainScore]] = defaultdict(list)
    for part in parts:
        for name, score in part.by_domain.items():
            domains[name].append(score)
    whole = _weighted([DomainScore(part.loss, part.accuracy, part.items) for part in parts])
    return Evaluation(whole.loss, whole.accuracy, whole.items, {n: _weighted(domains[n]) for n in sorted(domains)})


def _weighted(parts: Sequence[DomainScore]) -> DomainScore:
    items = sum(part.items for part in parts)
    known = [part.accuracy * part.items for part in parts if part.accuracy is not None]
    loss = sum(part.loss * part.items for part in parts) / items
    return DomainScore(loss, sum(known) / items if known else None, items)
