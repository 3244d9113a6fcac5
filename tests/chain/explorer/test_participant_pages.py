"""The pages of the participants show what the contracts say, after random histories and after one that is planned."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_utils.address import to_checksum_address
from fedexplorer.errors import NotThere
from fedexplorer.follow.first_block import first_block
from fedexplorer.follow.follower import Follower
from fedexplorer.views.participant import PARTICIPANT, ParticipantPage
from fedexplorer.views.participants import PARTICIPANTS
from fedexplorer.views.site import Site
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.types import ZERO
from support.built_pages import html, read, table
from support.chain_histories import ChainHistory
from support.deployed import CHAIN_ID, Deployed
from support.evm import Anvil
from support.explored_federation import (
    LIE,
    OPEN,
    PENALTY,
    REFUSED,
    SITES,
    VOID,
    ExploredFederation,
    anvil_options,
)


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


def test_a_reorg_changes_what_is_remembered_of_an_account(chain: Anvil) -> None:
    """As many events as before, but others."""
    deployed, client = Deployed.on(chain, "TokenMock"), chain.accounts[3]
    chain.do(deployed.token.functions.mint(client, 10_000))
    chain.do(deployed.token.functions.approve(deployed.contract.address, 10_000), client)
    coordinator = Coordinator.connect(chain.url, deployed.contract.address, CHAIN_ID)
    follower = Follower(lambda: coordinator, lambda c: EventIndex(c, None, lambda: first_block(c)))
    for stake in (400, 500):
        chain.do(deployed.contract.functions.join(stake), client)
        follower.look()
        assert PARTICIPANT.build(Site(follower.state()), address=client).stake == stake
        [row] = PARTICIPANTS.build(Site(follower.state())).rows
        assert row.stake == stake
        chain.rpc("anvil_reorg", 1, [])
        chain.rpc("anvil_dropAllTransactions")
    follower.look()
    assert PARTICIPANTS.build(Site(follower.state())).rows == ()


def test_what_was_planned_is_what_is_shown(tmp_path: Path) -> None:
    """A small federation in which one thing after the other goes wrong."""
    with Anvil(*anvil_options(int(time.time()))) as chain:
        played = ExploredFederation(chain, tmp_path)
        site = read(played.federation.coordinator)
        accounts = {name: address for address, name in played.names.items()}
        pages = {name: PARTICIPANT.build(site, address=accounts[name]) for name in (*SITES, "liar", "watchtower")}
        state = {name: {row.round: row.state for row in page.rounds} for name, page in pages.items()}
        assert state["law office"][REFUSED] == "refused" and state["clinic"][REFUSED] == "accepted"
        assert state["bank"][PENALTY] == state["clinic"][VOID] == state["software house"][VOID] == "penalised"
        whys = [pages["bank"].rounds[PENALTY - 1].why, pages["clinic"].rounds[VOID - 1].why]
        assert whys == ["revealed, and did not attest", "committed, and did not reveal"]
        assert (state["liar"][LIE], state["watchtower"][LIE]) == ("convicted", "challenger")
        [lie] = pages["liar"].proposals
        assert (lie.round, lie.challenger, lie.standing) == (LIE, accounts["watchtower"], "convicted")
        assert pages["watchtower"].proposals == (lie,) and pages["watchtower"].owed == lie.bounty == lie.bond // 2
        assert "expected" in {rows[OPEN] for rows in state.values()}
        refused = {name: [row.round for row in page.rounds if row.accepted is False] for name, page in pages.items()}
        assert refused == {name: [REFUSED] if name == "law office" else [] for name in pages}
