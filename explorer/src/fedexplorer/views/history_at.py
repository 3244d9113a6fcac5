"""One round's history, for pages that show a part of it."""

from __future__ import annotations

from dataclasses import replace

from fedprotocol.types import RoundView

from fedexplorer.errors import NotThere
from fedexplorer.history.records import RoundHistory
from fedexplorer.history.rounds import read_round
from fedexplorer.views.site import Site


def history_at(site: Site, number: int) -> RoundHistory:
    """The history of a round now. Raises NotThere."""
    opened = site.state.snapshot.last_opened
    if not 1 <= number <= opened or not site.state.log.of_round(number):
        there = f"The rounds 1 to {opened} were opened so far." if opened else "No round was opened yet."
        raise NotThere(f"There is no round {number}. {there}")
    return _read(site, number, None if number == 1 else _settlement(site, number - 1))


def _settlement(site: Site, number: int) -> RoundHistory:
    """The round before, as far as the next one depends on it: whether it is settled, and with which global."""
    finals = [e.args["root"] for e in site.state.log.named("RoundFinalized") if e.args["round"] < number]
    prior = finals[-1] if finals else site.state.federation.config.genesis_root
    return replace(_read(site, number, None), prior_root=prior)


def _read(site: Site, number: int, before: RoundHistory | None) -> RoundHistory:
    state = site.state
    return read_round(
        number, state.log.of_round(number), state.federation.config, before, state.now, _view(site, number)
    )


def _view(site: Site, number: int) -> RoundView | None:
    found = site.state.snapshot.round(number)
    return None if found is None else found.view
