"""What the follower has read is what a scan of the chain finds, through re-orgs and while the chain is away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fedexplorer.content.store_watch import AWAY
from fedexplorer.errors import NotYet
from fedexplorer.follow.follower import Follower
from fedexplorer.views import ALL
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import index_at
from fedprotocol.chain.read.events import scan
from support.built_pages import html
from support.built_pages import read as read_site
from support.evm import Anvil
from support.live_federation import TOKEN, LiveFederation
from support.proxy import Proxy


@pytest.fixture(scope="module")
def federation() -> Iterator[LiveFederation]:
    with Anvil() as chain:
        yield LiveFederation(chain)


def follower(federation: LiveFederation, folder: Path, url: str) -> Follower:
    address, chain_id = federation.coordinator.address, federation.coordinator.chain_id
    return Follower(
        lambda: Coordinator.connect(url, address, chain_id, timeout=2.0),
        lambda coordinator: index_at(coordinator, folder / "events.sqlite"),
    )


def fund(federation: LiveFederation, units: int) -> None:
    federation.mint(federation.chain.accounts[0], units)
    contract = federation.coordinator.contract
    federation.transact(federation.token.functions.approve(contract.address, units))
    federation.transact(contract.functions.fund(units))


def on_chain(federation: LiveFederation) -> list[tuple[str, int, bytes]]:
    found = scan(federation.coordinator, 0, federation.coordinator.head())
    return [(event.name, event.block, event.block_hash) for event in found]


def read(made: Follower) -> list[tuple[str, int, bytes]]:
    return [(event.name, event.block, event.block_hash) for event in made.state().log]


def test_it_follows_the_chain_and_a_reorg(federation: LiveFederation, tmp_path: Path) -> None:
    made = follower(federation, tmp_path, federation.chain.url)
    with pytest.raises(NotYet, match="for the first time"):
        made.state()
    made.look()
    assert read(made) == on_chain(federation)
    first = made.state()

    fund(federation, 7 * TOKEN)
    made.look()
    before = made.state()
    assert before.version > first.version
    assert read(made) == on_chain(federation)
    assert before.log.named("Funded")[-1].args["amount"] == 7 * TOKEN

    federation.chain.rpc("anvil_reorg", 1, [])
    fund(federation, 9 * TOKEN)
    made.look()
    after = made.state()
    assert read(made) == on_chain(federation)
    amounts = [event.args["amount"] for event in after.log.named("Funded")]
    assert 7 * TOKEN not in amounts
    assert amounts[-1] == 9 * TOKEN
    assert [reorg.removed for reorg in after.reorgs] == [1]
    assert [event.args["amount"] for event in before.log.named("Funded")][-1] == 7 * TOKEN  # what a reader had stays
    assert after.snapshot.balances.pool == federation.coordinator.balances().pool


def test_it_says_which_contracts_are_not_of_this_version(federation: LiveFederation, tmp_path: Path) -> None:
    made = follower(federation, tmp_path, federation.chain.url)
    made.look()
    assert made.state().federation.foreign == ()
    rule = federation.coordinator.config().rule
    code = federation.chain.rpc("eth_getCode", rule, "latest")
    federation.chain.rpc("anvil_setCode", rule, "0x600160005260206000f3")
    try:
        other = follower(federation, tmp_path, federation.chain.url)
        other.look()
        [sentence] = other.state().federation.foreign
        assert sentence.startswith(f"the rule contract at {rule} is not of this version")
    finally:
        federation.chain.rpc("anvil_setCode", rule, code)


def test_every_page_says_that_no_store_answers(federation: LiveFederation) -> None:
    site = read_site(federation.coordinator)
    views = [view for view in ALL if "{" not in view.path and view.name != "search"]
    assert len(views) > 6
    for view in views:
        assert AWAY not in html(site, view)
        assert AWAY in html(replace(site, store_problem=AWAY), view)


def test_it_says_that_the_chain_is_away_and_keeps_what_it_has(federation: LiveFederation, tmp_path: Path) -> None:
    with Proxy(federation.chain.url) as between:
        made = follower(federation, tmp_path, between.url)
        made.start()
        try:
            made.wait(0, 20.0)
            good = made.state()
            assert not good.problem
            between.closed |= {"eth_getBlockByNumber", "eth_call", "eth_getLogs", "eth_chainId"}
            made.wait(good.version, 30.0)
            assert made.state().problem
            assert len(made.state().log) == len(good.log)
            version = made.version
            between.closed.clear()
            made.wait(version, 60.0)
            assert not made.state().problem
        finally:
            made.stop()
