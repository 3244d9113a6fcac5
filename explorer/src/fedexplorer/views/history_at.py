"""One round's history, for the pages that show it or a part of it."""

from __future__ import annotations

from fedexplorer.errors import NotThere
from fedexplorer.history.records import RoundHistory
from fedexplorer.views.site import Site


def history_at(site: Site, number: int) -> RoundHistory:
    """The history of a round now. Raises NotThere."""
    history = site.state.rounds.number(number)
    if history is None:
        opened = len(site.state.rounds.all)
        there = f"The rounds 1 to {opened} were opened so far." if opened else "No round was opened yet."
        raise NotThere(f"There is no round {number}. {there}")
    return history
