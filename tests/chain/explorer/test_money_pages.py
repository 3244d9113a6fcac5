"""The pages of the money and of the participants show what the contracts say, after random histories; an alarm is seen
where one is due."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from fedexplorer.errors import NotThere
from fedexplorer.follow.first_block import first_block
from fedexplorer.follow.follower import Follower
from fedexplorer.views import ALL
from fedexplorer.views.money import MONEY, MoneyPage
from fedexplorer.views.participant import PARTICIPANT, ParticipantPage
from fedexplorer.views.participants import PARTICIPANTS
from fedexplorer.views.site import Site
from fedexplorer.views.view import View
from fedexplorer.web.app import csv_lines
from fedexplorer.web.pages import Pages
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.types import ZERO
from support.chain_histories import ChainHistory
from support.deployed import CHAIN_ID, Deployed
from support.evm import Anvil


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil("--order", "fifo", "--base-fee", "0", "--gas-price", "0") as chain:
        yield chain


@pytest.fixture(scope="module")
def history(chain: Anvil) -> ChainHistory:
    """Not wound down: there is money everywhere."""
    history = ChainHistory(chain, 2)
    history.play(60)
    return history


@pytest.fixture(scope="module")
def site(history: ChainHistory) -> Site:
    return read(history.coordinator)


def read(coordinator: Coordinator) -> Site:
    follower = Follower(lambda: coordinator, lambda c: EventIndex(c, None, lambda: first_block(c)))
    follower.look()
    return Site(follower.state())


def html(site: Site, view: View, **parameters: Any) -> str:
    path = view.path.format(**parameters)
    return Pages(ALL).page(view, view.build(site, **parameters), site, path, parameters)


def table(site: Site, view: View, name: str = "", **parameters: Any) -> list[dict[str, str]]:
    text = "".join(csv_lines(view.tables[name](view.build(site, **parameters))))
    return list(csv.DictReader(io.StringIO(text)))


# ------------------------------------------------------------------------- money


def test_the_sums_and_the_balance_are_the_contracts(site: Site, history: ChainHistory) -> None:
    page: MoneyPage = MONEY.build(site)
    lens, token = history.coordinator.balances(page.block), history.coordinator.token
    assert page.sums.model_dump() == page.lens.model_dump() == vars(lens)
    assert page.held == page.by_transfers == token.balance_of(history.coordinator.address, page.block) == lens.total
    assert page.checked == page.blocks == len({event.block for event in site.state.log})
    assert page.adds_up and not page.obstacle and not page.deficits and page.surplus == 0
    assert "It adds up" in html(site, MONEY) and 'role="alert"' not in html(site, MONEY)


def test_each_row_is_what_the_lens_said_then(site: Site, history: ChainHistory) -> None:
    page: MoneyPage = MONEY.build(site, shown=500)
    assert len(page.rows) == page.count > 20
    before = None
    for row in reversed(page.rows):
        said = history.said(row.block)
        assert (row.sums.model_dump(), row.total, row.held) == (vars(said.balances), said.balances.total, said.held)
        assert row.surplus == 0 and row.moved and said.balances != before
        before = said.balances
    assert page.rows[0].total == page.sums.total


def test_the_csv_is_all_pages_together(site: Site) -> None:
    first: MoneyPage = MONEY.build(site, shown=7)
    pages = [MONEY.build(site, first=at, shown=7) for at in range(0, first.count, 7)]
    rows = [row for page in pages for row in page.rows]
    found = table(site, MONEY, first=7, shown=7)
    assert [int(row["block"]) for row in found] == [row.block for row in rows]
    for cells, row in zip(found, rows, strict=True):
        sums = [int(cells[name]) for name in row.sums.model_dump()]
        assert sums == list(row.sums.model_dump().values())
        assert (int(cells["total"]), int(cells["token_balance"]), int(cells["surplus"])) == (row.total, row.held, 0)


def test_what_flowed_is_what_is_there(site: Site) -> None:
    page: MoneyPage = MONEY.build(site)
    for name, now in page.sums.model_dump().items():
        flowed = sum(f.amount * ((f.target == name) - (f.source == name)) for f in page.flows)
        assert flowed == now
    counts = {flow.event: flow.count for flow in page.flows}
    assert counts == {name: len(site.state.log.named(name)) for name in counts}
    assert sum(arrow.amount for arrow in page.diagram) == sum(flow.amount for flow in page.flows)


def test_the_chart_has_the_first_and_the_last_and_no_more_than_can_be_seen(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole: MoneyPage = MONEY.build(site)
    monkeypatch.setattr("fedexplorer.views.money.POINTS", 5)
    page: MoneyPage = MONEY.build(site)
    assert len(page.points) == 5
    assert (page.points[0], page.points[-1]) == (whole.points[0], whole.points[-1])
    assert page.points[-1].sums == page.sums


def test_an_alarm_is_seen(chain: Anvil) -> None:
    """Tokens that the coordinator does not know of, then tokens that it lacks."""
    deployed = Deployed.on(chain, "TokenMock")
    sponsor, address = chain.accounts[0], deployed.contract.address
    chain.do(deployed.token.functions.mint(sponsor, 10**20))
    chain.do(deployed.token.functions.approve(address, 10**20))
    chain.do(deployed.contract.functions.fund(10**18))
    chain.do(deployed.token.functions.transfer(address, 7 * 10**18))
    coordinator = Coordinator.connect(chain.url, address, CHAIN_ID)
    text = html(read(coordinator), MONEY)
    assert "It adds up" in text and "7 TEST" in text and "sent unasked" in text
    chain.rpc("anvil_impersonateAccount", address)
    chain.give(address, 10**18)
    chain.do(deployed.token.functions.transfer(sponsor, 75 * 10**17), address)
    chain.do(deployed.contract.functions.fund(1))
    site = read(coordinator)
    page: MoneyPage = MONEY.build(site)
    text = html(site, MONEY)
    assert not page.adds_up and page.deficit_count == 1 and page.surplus == -5 * 10**17
    assert "It does not add up" in text and 'role="alert"' in text and ">0.5</span> missing" in text


def test_a_token_that_cannot_be_followed_is_not_said_to_add_up_in_the_past(chain: Anvil) -> None:
    deployed = Deployed.on(chain, "SilentToken")
    chain.do(deployed.token.functions.mint(chain.accounts[0], 1_000))
    chain.do(deployed.token.functions.approve(deployed.contract.address, 1_000))
    chain.do(deployed.contract.functions.fund(1_000))
    site = read(Coordinator.connect(chain.url, deployed.contract.address, CHAIN_ID))
    page: MoneyPage = MONEY.build(site)
    text = html(site, MONEY)
    assert (page.checked, page.held, page.rows[0].held) == (0, 1_000, None) and page.adds_up
    assert "Earlier blocks were not checked" in text and "not checked" in text
    assert "and did so after each of" not in text


def test_before_anything_has_happened(chain: Anvil) -> None:
    deployed = Deployed.on(chain, "TokenMock")
    site = read(Coordinator.connect(chain.url, deployed.contract.address, CHAIN_ID))
    assert "No token has moved yet" in html(site, MONEY)
    assert "Nobody has taken a seat yet" in html(site, PARTICIPANTS)
    with pytest.raises(NotThere):
        PARTICIPANT.build(site, address=chain.accounts[5])


# ------------------------------------------------------------------ participants


def test_the_list_is_what_the_lens_says(site: Site, history: ChainHistory) -> None:
    lens, block, log = history.coordinator, site.state.money.block, site.state.log
    page = PARTICIPANTS.build(site)
    assert {row.address for row in page.rows} == {event.args["client"] for event in log.named("Joined")}
    active = 0
    for row in (*page.rows, *page.others):
        seat = lens.seat(row.address, block)
        assert (row.stake, row.owed) == (seat.stake, lens.owed(row.address, block))
        assert row.carries == seat.stake // lens.config().stake_per_example
        is_active = seat.active_from > 0 and seat.active_until == 2**32 - 1
        assert is_active == (row.standing == "active")
        active += is_active
        named = [event for event in log if event.args.get("client", event.args.get("aggregator")) == row.address]
        rewards = [e.args["amount"] for e in named if e.name == "Rewarded"]
        rewards += [e.args["aggregator_reward"] for e in named if e.name == "RoundFinalized"]
        assert row.rewards == sum(rewards)
        assert row.penalties == sum(e.args["amount"] for e in named if e.name == "Penalized")
    assert active == lens.active_count(block) == page.active
    assert page.stakes == sum(row.stake for row in page.rows)
    assert [row["address"] for row in table(site, PARTICIPANTS)] == [r.address for r in (*page.rows, *page.others)]


def test_each_round_of_each_account_is_what_the_lens_says(site: Site, history: ChainHistory) -> None:
    lens, block = history.coordinator, site.state.money.block
    seen = set()
    for account in history.accounts:
        try:
            page: ParticipantPage = PARTICIPANT.build(site, address=account)
        except NotThere:
            continue
        assert [row.round for row in page.rounds] == list(range(1, lens.last_opened(block) + 1))
        for row in page.rounds:
            commitment = lens.commitment(row.round, account, block)
            assert (row.committed is not None) == (commitment.hash != ZERO)
            index, view = lens.update_index(row.round, account, block), lens.round_view(row.round, "pending")
            assert (row.revealed is None) == (index is None)
            if index is not None:
                update = lens.update(row.round, index, block)
                assert (row.weight, row.attested is not None) == (update.weight, update.attested)
                assert (row.share, row.yes) == (update.weight / view.total_weight, update.yes / view.total_weight)
            if index is not None and view.phase.settled:
                judged = view.void_reason.name in ("NONE", "TOO_FEW_ACCEPTED", "ABANDONED")
                assert row.accepted == (bool(view.accepted_mask >> index & 1) if judged else None)
            seen.add(row.state)
        paid = sum((row.reward or 0) * (not row.reward_due) + (row.aggregation or 0) for row in page.rounds)
        totals = page.totals
        assert paid == totals.get("rewards as client", 0) + totals.get("rewards as aggregator", 0)
        taken = sum((row.penalty or 0) * (not row.penalty_due) for row in page.rounds)
        assert taken == totals.get("penalties", 0)
        held = [int(cells["stake"]) for cells in table(site, PARTICIPANT, "money", address=account)]
        assert held[:1] == [page.stake] and len(held) == page.count
        rows = table(site, PARTICIPANT, "rounds", address=account, from_round=2)
        assert [int(cells["round"]) for cells in rows] == [row.round for row in page.rounds]
        text = html(site, PARTICIPANT, address=account)
        assert text.count('class="part ') > len(page.rounds)
    assert {"accepted", "penalised", "absent"} <= seen, "the history has too little in it"


def test_an_address_is_read_in_any_spelling_and_a_wrong_one_is_no_page(site: Site, history: ChainHistory) -> None:
    address = PARTICIPANTS.build(site).rows[0].address
    assert PARTICIPANT.build(site, address=address.lower()).address == to_checksum_address(address)
    for wrong in ("0x12", "clinic", "0x" + 40 * "0", history.deployed.token.address):
        with pytest.raises(NotThere):
            PARTICIPANT.build(site, address=wrong)
    listed = {parameters["address"] for parameters in PARTICIPANT.pages(site)}
    assert address in listed
    assert all(html(site, PARTICIPANT, address=one) for one in listed)
