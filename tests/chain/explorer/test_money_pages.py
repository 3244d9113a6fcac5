"""The page of the money shows what the contracts say, after random histories; an alarm is seen where one is due."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fedexplorer.errors import NotThere
from fedexplorer.views.money import MONEY, MoneyPage
from fedexplorer.views.participant import PARTICIPANT
from fedexplorer.views.participants import PARTICIPANTS
from fedexplorer.views.site import Site
from fedprotocol.chain.read.coordinator import Coordinator
from support.built_pages import html, read, table
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
