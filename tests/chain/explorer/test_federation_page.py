"""The first page against the contract's own views, read apart, and against a scan of the log."""

from __future__ import annotations

from collections import defaultdict

import pytest
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.events import Event, scan
from support.explored_federation import OPEN, VOID
from support.explored_site import ExploredSite


@pytest.fixture(scope="module")
def chain(site: ExploredSite) -> Coordinator:
    """Not through the explorer's own connection."""
    return site.federation.federation.coordinator


@pytest.fixture(scope="module")
def events(chain: Coordinator) -> list[Event]:
    return list(scan(chain, 0, chain.head()))


def test_what_goes_on_is_what_the_lens_says(site: ExploredSite, chain: Coordinator) -> None:
    page, config = site.api("/"), chain.config()
    assert page["opened"] == chain.last_opened() == OPEN
    assert page["final"] == chain.final_count() and page["total"] == config.total_rounds
    assert page["active"] == chain.active_count() and page["seats"] == config.max_clients
    balances = chain.balances()
    assert (page["pool"], page["reserved"]) == (balances.pool, balances.reserved)
    left = config.total_rounds - chain.final_count()
    assert page["pays_for"] == min(left, balances.pool // config.round_reward)
    shown = {round_["number"]: round_ for round_ in page["rounds"]}
    assert OPEN in shown
    for number, round_ in shown.items():
        view = chain.round_view(number)
        assert round_["phase"] == view.phase.name.lower(), number
        assert round_["phase_end"] == view.phase_end, number


def test_the_curve_is_the_mean_of_what_clients_report(site: ExploredSite, events: list[Event]) -> None:
    """Weighted by examples, in rounds that became final."""
    revealed, final = defaultdict(list), set()
    for event in events:
        if event.name == "Revealed":
            revealed[event.args["round"]].append(event.args)
        elif event.name == "RoundFinalized":
            final.add(event.args["round"])
    curve = {entry["round"]: entry for entry in site.api("/")["learned"]}
    assert final <= set(curve)
    for number in final:
        weight = sum(update["weight"] for update in revealed[number])
        for name in ("loss_before", "loss_after"):
            mean = sum(update[name] * update["weight"] for update in revealed[number]) / weight / 1e6
            assert curve[number][name] == pytest.approx(mean), (number, name)
    assert curve[max(final)]["loss_after"] < curve[min(final)]["loss_after"] / 2


def test_the_last_events_are_the_log_s(site: ExploredSite, events: list[Event]) -> None:
    shown = site.api("/")["last_events"]
    last = [("0x" + event.tx_hash.hex(), event.log_index, event.name) for event in reversed(events)]
    assert [(row["tx"], row["log_index"], row["name"]) for row in shown] == last[: len(shown)]
    assert len(shown) >= 10


def test_a_void_round_has_no_global(site: ExploredSite, events: list[Event]) -> None:
    assert any(event.name == "RoundVoided" and event.args["round"] == VOID for event in events)
    assert site.api(f"/rounds/{VOID}")["global_root"] is None
