"""`fednode status` on a real chain: the first line is the answer."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from fedaggregator.daemon.run import Aggregator
from fednode.cli.app import app
from fedprotocol.types import Phase
from support.aggregators import AggregatorSite
from support.evm import Anvil
from support.live_federation import TOKEN, LiveFederation
from support.operators import operator, published
from support.sites import Site
from support.synthetic import SyntheticClient, play_inputs
from typer.testing import CliRunner

PATIENCE = 60.0  # seconds


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil("--block-time", "1", "--mixed-mining") as anvil:
        yield anvil


def fednode(site: Site, *words: str) -> Result:
    """The command in this process: seconds of imports less."""
    done = CliRunner().invoke(app, [*words, "-c", str(site.config)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def ask(site: Site) -> dict[str, Any]:
    """What the command says, and that it exits as it should."""
    done = fednode(site, "status", "--json")
    document: dict[str, Any] = json.loads(done.stdout)
    assert done.exit_code == (0 if document["running"] else 1)
    return document


def ask_until(site: Site, cause: str) -> str:
    deadline = time.monotonic() + PATIENCE
    while (document := ask(site))["cause"] != cause:
        assert time.monotonic() < deadline, f"{document}\n{site.console()}"
        time.sleep(0.2)
    return str(document["answer"])


def seated(federation: LiveFederation, folder: Path) -> tuple[SyntheticClient, Site]:
    """A client with a seat that is played by hand, and the folder in which its operator asks."""
    client = SyntheticClient(federation, folder / "client", seed=1)
    client.join()
    return client, operator(folder / "site", federation, client.account)


def test_a_node_that_waits_for_others_for_money_and_for_the_chain(tmp_path: Path) -> None:
    """One node, from before it has a seat until its chain is gone."""
    sponsor = tmp_path / "sponsor"
    with Anvil() as chain:
        federation = published(chain, sponsor, pool=0)
        account = federation.new_account()
        site = operator(tmp_path / "site", federation, account, sponsor)
        no_seat = ask(site)
        assert no_seat["cause"] == "a seat"
        assert f"{account.address} holds no seat: take one with `fednode join`" in no_seat["answer"]
        fednode(site, "join")
        assert ask(site)["answer"].endswith(
            "(1 of at least 2 clients have joined): `fednode run` waits for it and trains."
        )
        site.run()
        try:
            assert "round 1 to open: 1 of at least 2 clients have joined, with no deadline" in ask_until(
                site, "clients"
            )
            other = SyntheticClient(federation, tmp_path / "other", seed=1)
            other.join()
            empty = ask_until(site, "pool")
            assert "the pool holds 0 FED and a round needs 100 FED" in empty and "`fednode federation fund`" in empty
            other.close()
            chain.__exit__()
            gone = ask_until(site, "chain")
            assert gone.startswith("The node is waiting for the chain: no RPC endpoint answers: http://127.0.0.1:")
        finally:
            site.kill()
        unread = ask(site)
        assert unread["cause"] == "the next round" and unread["chain"]["round"] == 0 and unread["chain_age_seconds"] > 0
        assert unread["answer"].startswith("The node is not running, it was last seen ")
        assert "no RPC endpoint answers" in unread["answer"] and "`fednode run`" in unread["answer"]


def test_a_node_that_joined_while_a_round_was_open(chain: Anvil, tmp_path: Path) -> None:
    sponsor = tmp_path / "sponsor"
    federation = published(chain, sponsor)
    others = [SyntheticClient(federation, tmp_path / f"client-{seed}", seed) for seed in range(2)]
    for other in others:
        other.join()
    others[0].commit(1, federation.genesis.root)
    site = operator(tmp_path / "site", federation, federation.new_account(), sponsor)
    fednode(site, "join")
    site.run()
    try:
        said = ask_until(site, "aside")
        assert "round 1 to go on without this account (its seat begins with round 2), until " in said
        assert said.endswith("; next: train for round 2.")
    finally:
        site.kill()
        for other in others:
            other.close()
    assert "round 1 needs nothing from its account in Train, until " in ask(site)["answer"]


def test_what_a_stopped_node_owes_and_what_missing_it_costs(chain: Anvil, tmp_path: Path) -> None:
    federation = LiveFederation(chain, minClients=2)
    mine, site = seated(federation, tmp_path / "mine")
    other, _ = seated(federation, tmp_path / "other")
    assert "round 1 is not open (it opens with the first commit)" in ask(site)["answer"]
    other.commit(1, federation.genesis.root)
    first, *figures = fednode(site, "status").stdout.splitlines()
    assert first.startswith("The node has not run with this config yet, and round 1 takes commits until ")
    assert [line.split()[0] for line in figures] == ["chain", "money", "peers"]
    assert ask(site)["cause"] == "a round takes commits"
    mine.commit(1, federation.genesis.root)
    due = ask(site)
    assert due["cause"] == "a reveal is due" and "costs the penalty if missed: `fednode run`, now." in due["answer"]
    federation.chain.rpc("anvil_setBalance", mine.address, "0x0")
    assert ask(site)["cause"] == "ether"
    federation.provide(mine.address, 0)
    federation.pass_time(601)
    assert federation.phase(1) is Phase.VOID
    federation.transact(federation.coordinator.calls.settle(mine.address))
    suspended = ask(site)
    assert suspended["cause"] == "more stake"
    assert "its seat is suspended: add 100 FED with `fednode join`" in suspended["answer"]
    fednode(site, "join")
    assert ask(site)["cause"] == "the next round"
    mine.close()
    other.close()


def test_a_federation_that_is_complete_and_one_that_is_closed(chain: Anvil, tmp_path: Path) -> None:
    federation = LiveFederation(chain, minClients=1, totalRounds=1, challengeLength=1)
    client, site = seated(federation, tmp_path)
    client.store.put(federation.genesis)
    play_inputs([client], 1, federation.genesis.root)
    assert ask(site)["cause"] == "a round goes on without the account"
    helper = AggregatorSite(federation, tmp_path / "aggregator", [client.store_path])
    with Aggregator.open(helper.config(), helper.account) as aggregator:
        deadline = time.monotonic() + PATIENCE
        while federation.phase(1) is not Phase.FINAL:
            assert time.monotonic() < deadline
            aggregator.step()
            time.sleep(0.1)
    over = ask(site)
    assert over["cause"] == "the federation is over, and something is left to collect"
    assert "the federation is complete: `fednode claim` takes what" in over["answer"]
    assert "`fednode exit` gives back its stake of 1000 FED" in over["answer"]
    fednode(site, "claim")
    assert "`fednode claim`" not in ask(site)["answer"]
    fednode(site, "exit")
    assert ask(site)["answer"].endswith("the federation is complete: nothing is left to join or to collect.")
    client.close()

    closed = LiveFederation(chain)
    client, site = seated(closed, tmp_path / "closed")
    closed.transact(closed.coordinator.calls.close())
    assert "the sponsor closed the federation after 0 final rounds: `fednode exit`" in ask(site)["answer"]
    client.close()
    assert closed.coordinator.seat(client.address).stake == 1000 * TOKEN
