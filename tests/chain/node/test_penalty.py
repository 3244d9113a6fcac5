"""A missed reveal on a real chain: it is said everywhere, and made up for exactly once, whenever the node is killed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import Result
from fednode.cli.app import app
from fedprotocol.chain.read.snapshot import take_snapshot
from fedprotocol.types import Phase
from support.evm import Anvil
from support.live_federation import TOKEN, LiveFederation
from support.operators import operator, published
from support.ports import free_port
from support.scrape import figures, health
from support.sending import in_pool
from support.sites import Site
from support.synthetic import SyntheticClient
from typer.testing import CliRunner

PATIENCE = 60.0  # seconds


def until(site: Site, holds: Callable[[], Any], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, site.console()
        time.sleep(0.1)


def fednode(site: Site, *words: str) -> Result:
    done = CliRunner().invoke(app, [*words, "-c", str(site.config)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def missed(federation: LiveFederation, client: SyntheticClient, other: SyntheticClient) -> None:
    """Round 1: `client` commits, and nobody reveals."""
    client.commit(1, federation.genesis.root)
    other.commit(1, federation.genesis.root)
    federation.pass_time(601)
    assert federation.phase(1) is Phase.VOID


def stake(federation: LiveFederation, client: SyntheticClient) -> float:
    return take_snapshot(federation.coordinator, client.address).settled_seat.stake / TOKEN


def test_a_missed_reveal_is_said_and_made_up_for_once(tmp_path: Path) -> None:
    port = free_port()
    with Anvil() as chain:
        federation = published(chain, tmp_path / "sponsor", minClients=2)
        client, other = (SyntheticClient(federation, tmp_path / f"client-{seed}", seed) for seed in range(2))
        for one in (client, other):
            one.join()
        missed(federation, client, other)
        before = take_snapshot(federation.coordinator, client.address)
        assert (before.my_seat.stake, before.settled_seat.stake) == (1000 * TOKEN, 900 * TOKEN), (
            "nothing is settled yet"
        )
        node = {"top_up": 250}  # room for two, and the stake would bear them
        site = operator(
            tmp_path / "site", federation, client.account, tmp_path / "sponsor", node=node, monitor={"port": port}
        )
        assert "stake 900 FED" in fednode(site, "status").stdout
        client.sender.send(federation.coordinator.token.approve(federation.coordinator.address, 10**24), "approve")
        chain.rpc("evm_setAutomine", False)
        site.run()
        try:
            until(site, lambda: in_pool(chain) == 1)
            [told] = health(port)[1]["penalties"]
            assert "round 1 costs a penalty of 100 FED: it committed, and did not reveal" in told
            seen = figures(port)
            assert seen["fed_penalties{reason=not_revealed}"] == 1
            assert seen["fed_penalty_tokens{reason=not_revealed}"] == 100
            assert f"penalty   {told}" in fednode(site, "status").stdout
            assert site.console().count("PENALTY: round 1") == 1
            site.kill()  # after the transaction left, and before it is in a block
            site.run()
            chain.rpc("evm_setAutomine", True)
            chain.rpc("evm_mine")
            until(site, lambda: "the node has put 100 FED back" in site.console())
            assert site.process is not None
            until(site, lambda: site.process.poll() is not None)  # type: ignore[union-attr] # it has no base model
            assert stake(federation, client) == 1000
        finally:
            site.kill()
            client.close()
            other.close()
