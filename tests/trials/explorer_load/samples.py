"""Addresses of every page, with parameters that differ from one visit to the next."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice
from typing import Any

from fedexplorer.views.view import View
from support.big_federation import LEAVES, BigFederation

Values = dict[str, Sequence[Any]]


class Samples:
    """What visitors ask for. `events`: rows of /api/events, from all times."""

    def __init__(self, big: BigFederation, events: Sequence[dict[str, Any]]) -> None:
        f, rounds = big.federation, big.history.rounds
        spread = [max(1, len(rounds) * i // 24) for i in range(1, 25)]
        accounts = [client.address for client in f.clients[:20]] + [f.aggregator, f.liar]
        stored = [r.learned[c.number] for r in rounds[-9:-1] if f.publishes(r.number) for c in r.revealed]
        lies = [(r.number, _hex(root)) for r in rounds for root in r.lies if not r.plan.late_lie]
        transactions = [event["tx"] for event in events]
        self._values: Values = {
            "round": spread,
            "address": accounts,
            "account": accounts,
            "client": [client.address for client in f.clients[: big.size][:20]],
            "hash": transactions,
            "block": [event["block"] for event in events],
            "root": [_hex(update.leaves.root) for update in stored],
            "index": [i % LEAVES for i in range(len(stored))],
            "disputed": [number for number, _ in lies],
            "lie": [root for _, root in lies],
            "q": [*map(str, spread[:4]), *accounts[:4], *transactions[:4]],
        }

    def of(self, view: View, count: int) -> list[str]:
        """`count` paths of a page, from the explorer's root."""
        renamed = RENAMED.get(view.name, {})
        names = [part.partition("}")[0] for part in view.path.split("{")[1:]]
        kinds = [renamed.get(name, "round" if name == "number" else name) for name in names]
        unknown = [kind for kind in kinds if kind not in self._values]
        assert not unknown, f"say in {__name__} what {unknown} of the page {view.name} may be"
        rows = zip(*(self._values[kind] for kind in kinds), strict=False) if kinds else [()]
        paths = [view.path.format(**dict(zip(names, row, strict=True))) for row in rows]
        if view.name in QUERIES:
            kind = QUERIES[view.name]
            paths = [f"{view.path}?{kind}={value}" for value in self._values[kind]]
        assert paths, f"nothing to see on the page {view.name}"
        return list(islice(cycle(paths), count))


RENAMED = {
    "block": {"number": "block"},
    "dispute": {"number": "disputed", "root": "lie"},
    "participant": {"address": "client"},
}
QUERIES = {"search": "q", "events": "account"}


def _hex(root: bytes) -> str:
    return "0x" + root.hex()
