"""Which site holds which rows: by domain, one site apart, by Dirichlet proportions or evenly; with too few rows, or
wrong answers."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from fednode.data import Row

from fedlab.experiment.definition import Task

Sites = dict[str, list[Row]]


def domains_of(rows: Sequence[Row]) -> list[str]:
    """The domains in the order of their names. Rows without a domain belong to "all"."""
    return sorted({row.domain or "all" for row in rows})


def site_names(domains: Sequence[str], sites: int, split: str) -> list[str]:
    """A name for each site. If rows are divided by domain, it is the domain, with a number from its second site on."""
    if split != "domain":
        return [f"site-{number}" for number in range(1, sites + 1)]
    known = sorted(domains)
    return [known[i % len(known)] + (f"-{i // len(known) + 1}" if i >= len(known) else "") for i in range(sites)]


def deal(rows: Sequence[Row], task: Task, seed: int) -> Sites:
    """Give every row to one site, in an order that follows from `seed`. Then take rows away, and falsify answers, as
    the task says."""
    rng = np.random.default_rng([seed, 0xDEA1])
    shuffled = [rows[i] for i in rng.permutation(len(rows))][: task.train_items]
    names = site_names(domains_of(rows), task.sites, task.split)
    match task.split:
        case "domain":
            owners = _by_domain(shuffled, task)
        case "dirichlet":
            owners = _by_classes(shuffled, task, rng)
        case "apart":
            owners = _one_apart(shuffled, task)
        case _:
            owners = [i % task.sites for i in range(len(shuffled))]
    held: Sites = {name: [] for name in names}
    for row, owner in zip(shuffled, owners, strict=True):
        held[names[owner]].append(row)
    first, last = names[0], names[-1]
    held[first] = held[first][: max(1, round(task.small_site * len(held[first])))]
    held[last] = _spoil(held[last], sorted({row.completion for row in rows}), task.noisy_site, rng)
    return held


def _by_domain(rows: Sequence[Row], task: Task) -> list[int]:
    """Give the share `own_share` of a domain's rows to its own sites, and the others to the other sites, in turn."""
    domains = domains_of(rows)
    own = {domain: [i for i in range(task.sites) if i % len(domains) == d] for d, domain in enumerate(domains)}
    for d, domain in enumerate(domains):  # fewer sites than domains: some hold several
        own[domain] = own[domain] or [d % task.sites]
    seen: dict[str, int] = defaultdict(int)
    totals = {domain: sum((row.domain or "all") == domain for row in rows) for domain in domains}
    owners = []
    for row in rows:
        domain = row.domain or "all"
        at = seen[domain]
        seen[domain] += 1
        kept = round(task.own_share * totals[domain])
        others = [i for i in range(task.sites) if i not in own[domain]] or own[domain]
        owners.append(own[domain][at % len(own[domain])] if at < kept else others[(at - kept) % len(others)])
    return owners


def _one_apart(rows: Sequence[Row], task: Task) -> list[int]:
    """The last site has all rows of the last domain, and nothing else; the others share all other rows evenly."""
    alone = domains_of(rows)[-1]
    apart = [(row.domain or "all") == alone for row in rows]
    turns = itertools.count()
    return [task.sites - 1 if is_apart else next(turns) % (task.sites - 1) for is_apart in apart]


def _by_classes(rows: Sequence[Row], task: Task, rng: np.random.Generator) -> list[int]:
    """Divide each class among the sites in proportions drawn from Dir(alpha). Hsu et al. 2019, "Measuring the Effects
    of Non-Identical Data Distribution for Federated Visual Classification". No site stays empty."""
    owners = np.zeros(len(rows), dtype=np.int64)
    by_class = _positions(rows, lambda row: row.completion)
    for positions in by_class.values():
        shares = rng.dirichlet([task.alpha_classes] * task.sites)
        bounds = np.round(np.cumsum(shares) * len(positions)).astype(np.int64)
        owners[positions] = np.searchsorted(bounds, np.arange(len(positions)), side="right").clip(max=task.sites - 1)
    for site in range(task.sites):
        if not np.any(owners == site):
            richest = np.bincount(owners, minlength=task.sites).argmax()
            owners[np.flatnonzero(owners == richest)[:8]] = site
    return [int(owner) for owner in owners]


def _spoil(rows: list[Row], answers: Sequence[str], share: float, rng: np.random.Generator) -> list[Row]:
    """The rows, of which the given share has a wrong answer."""
    wrong = set(rng.permutation(len(rows))[: round(share * len(rows))].tolist())
    return [
        Row(row.prompt, str(rng.choice([a for a in answers if a != row.completion])), row.domain) if i in wrong else row
        for i, row in enumerate(rows)
    ]


def _positions(rows: Sequence[Row], key: Callable[[Row], str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for position, row in enumerate(rows):
        found[key(row)].append(position)
    return dict(sorted(found.items()))
