"""The list of rounds and the pages of rounds, against the contract's own views and the receipts of a real chain."""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import Any

import pytest
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.events import scan
from fedprotocol.types import Phase, RoundView, VoidReason
from support.explored_federation import FINAL, LIE, OPEN, PENALTY, REFUSED, VOID
from support.explored_site import ExploredSite

NUMBERS = range(FINAL, OPEN + 1)


@pytest.fixture(scope="module")
def chain(site: ExploredSite) -> Coordinator:
    return site.federation.federation.coordinator


def view_of(chain: Coordinator, number: int) -> RoundView:
    return chain.round_view(number, "latest")


def table(site: ExploredSite, path: str) -> list[dict[str, str]]:
    answer = site.get(path)
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text)))


@pytest.mark.parametrize("number", NUMBERS)
def test_a_round_is_what_the_contract_says(site: ExploredSite, chain: Coordinator, number: int) -> None:
    view, page = view_of(chain, number), site.api(f"/rounds/{number}")
    assert (page["phase"], page["void_reason"]) == (view.phase.name.lower(), view.void_reason.name.lower())
    assert (page["opened"], page["settled"] or 0) == (view.opened_at, view.settled_at)
    assert int(page["prior_root"] or "0", 16) == int.from_bytes(view.prior_root)
    assert int(page["global_root"] or "0", 16) == int.from_bytes(view.global_root)
    assert len(page["participants"]) == view.committed and page["active"] == view.active
    assert sum(p["attested"] is not None for p in page["participants"]) == view.attested
    assert sum(bool(u["accepted"]) << u["index"] for u in page["updates"]) == view.accepted_mask
    assert page["total_weight"] == view.total_weight
    theirs = [(u.client, "0x" + u.root.hex(), u.weight, u.shift, u.yes) for u in chain.updates(number, "latest")]
    assert [(u["client"], u["root"], u["weight"], u["shift"], u["yes"]) for u in page["updates"]] == theirs
    live = [p for p in page["proposals"] if p["standing"] != "convicted"]
    assert [(p["proposer"], p["bond"], p["time"], p["window_end"]) for p in live] == [
        (p.proposer, p.bond, p.completed_at, p.window_end) for p in chain.proposals(number, block="latest")
    ]
    last = page["phases"][-1]
    assert (last["phase"], last["start"]) == (view.phase.name.lower(), view.phase_start)


@pytest.mark.parametrize("number", [FINAL, REFUSED, LIE, PENALTY, VOID])
def test_the_payments_add_up_to_the_reward(site: ExploredSite, chain: Coordinator, number: int) -> None:
    """And every one is what the contract credited, by its log."""
    page, credited = site.api(f"/rounds/{number}"), Counter[str]()
    for event in scan(chain, 0, chain.head(), ["Rewarded", "RoundFinalized"]):
        if event.args["round"] == number:
            is_final = event.name == "RoundFinalized"
            who, what = ("aggregator", "aggregator_reward") if is_final else ("client", "amount")
            credited[event.args[who]] += event.args[what]
    given = Counter[str]()
    for payment in page["payments"]:
        if payment["credited"] is not None:
            given[payment["account"]] += payment["amount"]
    assert given == credited
    amounts = sum(payment["amount"] for payment in page["payments"])
    assert amounts + page["returned_to_pool"] == page["reserved"] == chain.config().round_reward
    assert amounts == page["aggregator_reward"] + page["client_rewards"]
    assert (amounts > 0) == (number != VOID)
    text = site.get(f"/rounds/{number}").text
    assert "together, what was set aside" in text


def test_the_convicted_lie_and_the_penalty_are_told(site: ExploredSite, chain: Coordinator) -> None:
    [conviction] = list(scan(chain, 0, chain.head(), ["Convicted"]))
    [lie] = [p for p in site.api(f"/rounds/{LIE}")["proposals"] if p["standing"] == "convicted"]
    assert conviction.args["round"] == LIE
    assert (lie["proposer"], lie["challenger"], lie["bounty"], lie["convicted"]) == (
        conviction.args["proposer"],
        conviction.args["challenger"],
        conviction.args["bounty"],
        conviction.time,
    )
    assert lie["bounty"] + lie["burned"] == lie["bond"]
    for penalty in scan(chain, 0, chain.head(), ["Penalized"]):
        people = {p["account"]: p for p in site.api(f"/rounds/{penalty.args['round']}")["participants"]}
        found = people[penalty.args["client"]]
        assert (found["fault"], found["penalty"], found["penalised"]) == (
            penalty.args["reason"].name.lower(),
            penalty.args["amount"],
            penalty.time,
        )
    assert "never decided: the round was void before" in site.get(f"/rounds/{VOID}").text
    text = site.get(f"/rounds/{REFUSED}").text
    assert "less than two thirds of the weight vouch for it" in text


def test_the_gas_is_that_of_the_receipts(site: ExploredSite, chain: Coordinator) -> None:
    page = site.api(f"/rounds/{FINAL}")
    own = [e for e in scan(chain, 0, chain.head()) if e.args.get("round") == FINAL]
    reveals = [e.tx_hash for e in own if e.name == "Revealed"]
    [gas] = [row for row in page["gas"]["rows"] if row["call"] == "reveal"]
    used = [chain.web3.eth.get_transaction_receipt(tx)["gasUsed"] for tx in reveals]  # type: ignore[arg-type]
    assert (gas["count"], gas["least"], gas["most"], gas["total"]) == (len(used), min(used), max(used), sum(used))


def test_all_events_with_topics_and_data(site: ExploredSite, chain: Coordinator) -> None:
    """Those of every page together are what the chain has, in its order."""
    shown: list[dict[str, Any]] = []
    while len(shown) < (page := site.api(f"/rounds/{LIE}?first={len(shown)}"))["event_count"]:
        shown += page["events"]
    logs = chain.web3.eth.get_logs({"address": chain.address, "fromBlock": 0})
    number = LIE.to_bytes(32)
    theirs = [log for log in logs if len(log["topics"]) > 1 and log["topics"][1] == number]
    assert [(e["block"], e["log_index"], e["topics"]) for e in shown] == [
        (log["blockNumber"], log["logIndex"], [topic.to_0x_hex() for topic in log["topics"]]) for log in theirs
    ]
    for event, log in zip(shown, theirs, strict=True):
        assert log["data"].to_0x_hex().startswith(event["data"]) and event["data_size"] == len(log["data"])
    rows = table(site, f"/rounds/{LIE}/events.csv")
    assert [(row["event"], int(row["block"])) for row in rows] == [(e["name"], e["block"]) for e in shown]


def test_votes_in_the_csv_are_those_of_the_log(site: ExploredSite, chain: Coordinator) -> None:
    rows = {(row["attester"], int(row["update"])) for row in table(site, f"/rounds/{REFUSED}/votes.csv")}
    votes = [e for e in scan(chain, 0, chain.head(), ["Attested"]) if e.args["round"] == REFUSED]
    assert rows == {(e.args["client"], i) for e in votes for i in range(4) if e.args["bitmap"] >> i & 1}


FILTERS = {
    "": lambda _: True,
    "?ended=final": lambda view: view.phase is Phase.FINAL,
    "?ended=void": lambda view: view.phase is Phase.VOID,
    "?ended=open": lambda view: not view.phase.settled,
    "?reason=too_few_reveals": lambda view: view.void_reason is VoidReason.TOO_FEW_REVEALS,
    "?dispute=yes": lambda view: view.convicted > 0,
    "?ended=final&dispute=yes": lambda view: view.phase is Phase.FINAL and view.convicted > 0,
    "?ended=void&dispute=yes": lambda _: False,
}


@pytest.mark.parametrize("query", FILTERS)
def test_a_filter_shows_what_passes_and_so_does_its_csv(site: ExploredSite, chain: Coordinator, query: str) -> None:
    expected = [number for number in reversed(NUMBERS) if FILTERS[query](view_of(chain, number))]
    page = site.api("/rounds" + query)
    assert [row["round"] for row in page["rows"]] == expected and page["count"] == len(expected)
    rows = table(site, "/rounds.csv" + query)
    assert [int(row["round"]) for row in rows] == expected
    assert [row["phase"] for row in rows] == [row["phase"] for row in page["rows"]]
    text = site.get("/rounds" + query).text
    assert ("No round passes this filter" in text) == (not expected)


@pytest.mark.parametrize("path", ["/rounds/0", f"/rounds/{OPEN + 1}", "/rounds/99999999999999999999"])
def test_a_round_that_is_not_there(site: ExploredSite, path: str) -> None:
    answer = site.get(path)
    assert answer.status_code == 404 and f"The rounds 1 to {OPEN} were opened so far" in answer.text
