"""A watch without a key, against right and wrong proposals on a real chain."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from fedaggregator.compute.inputs import InputsMissing
from fedaggregator.daemon.actions import ProposePage
from fedaggregator.daemon.decide import MERGE_TRIES
from fedaggregator.daemon.observe import NO_INPUTS, Finding, Observer, in_lines
from fedaggregator.daemon.run import Aggregator
from fedaggregator.disputes.judge import Right, Undecided
from fednode.config import load, render
from fedprotocol.errors import FOR_A_PERSON
from fedprotocol.journal import Journal, JournalLocked
from fedprotocol.tree import cid
from fedprotocol.types import Phase
from support.aggregators import AggregatorSite
from support.evil_aggregator import WRONG_VALUE, EvilAggregator
from support.evm import Anvil
from support.live_federation import LiveFederation, directory_url
from support.synthetic import SyntheticClient, play_inputs

BIN = Path(sys.executable).parent


@pytest.fixture
def clients(tmp_path: Path) -> Iterator[list[SyntheticClient]]:
    """Two, of a federation of two rounds; the first one's store holds the genesis."""
    with Anvil() as chain:
        federation = LiveFederation(chain, totalRounds=2)
        made = [SyntheticClient(federation, tmp_path / f"client-{seed}", seed) for seed in range(2)]
        for client in made:
            client.join()
        made[0].store.put(federation.genesis)
        yield made
        for client in made:
            client.close()


def site_without_a_key(folder: Path, federation: LiveFederation, peers: Sequence[Path]) -> Path:
    """The folder of a site whose config names no account; returns the config."""
    folder.mkdir()
    text = render(
        rpc=[federation.chain.url],
        chain_id=federation.coordinator.chain_id,
        coordinator=federation.coordinator.address,
        store="dir:store",
        peers=[directory_url(peer) for peer in peers],
        keystore="key.json",
        train="train.jsonl",
    )
    config = folder / "fednode.toml"
    lines = text.replace("# poll_seconds = 2.0", "poll_seconds = 0.2").splitlines()
    config.write_text("\n".join(line for line in lines if not line.startswith(("[account]", "keystore"))))
    return config


def propose(site: AggregatorSite, kind: type[Aggregator]) -> bytes:
    """The one proposal of the round that is open; returns its root."""
    with kind.open(site.config(), site.account) as aggregator:
        while not isinstance(aggregator.step(), ProposePage):
            pass
    coordinator = site.federation.coordinator
    [proposal] = coordinator.proposals(coordinator.last_opened())
    site.federation.pass_time(1)
    return proposal.root


def test_a_right_and_a_wrong_round(clients: list[SyntheticClient], tmp_path: Path) -> None:
    federation = clients[0].federation
    stores = [client.store_path for client in clients]
    names = [tmp_path / "honest", tmp_path / "liar"]
    honest = AggregatorSite(federation, names[0], stores)
    liar = AggregatorSite(federation, names[1], [*stores, honest.store_path])
    config = site_without_a_key(tmp_path / "site", federation, [*stores, honest.store_path, liar.store_path])
    config.write_text(config.read_text().replace("poll_seconds = 0.2", "poll_seconds = 600.0"))  # blocks are announced
    log = tmp_path / "log.txt"
    with log.open("wb") as lines:
        process = subprocess.Popen(
            [str(BIN / "fednode"), "run", "--dry-run", "-c", str(config)],
            stdout=subprocess.PIPE,
            stderr=lines,
            text=True,
        )
    try:
        roots = []
        for number, (site, kind) in enumerate(((honest, Aggregator), (liar, EvilAggregator)), start=1):
            play_inputs(clients, number, federation.coordinator.latest_final()[1])
            roots.append(propose(site, kind))
            wait_for(log, f"round {number}: the proposal of {site.address}, {cid(roots[-1])} is")
            if site is liar:
                wait_for(log, f"leaf {WRONG_VALUE // 32} should be")
            federation.pass_time(601)
            assert federation.phase(number) is Phase.FINAL
            wait_for(log, f"round {number}: the final global {cid(roots[-1])} is")
        said, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 1
    assert said.splitlines() == [
        f"round 1: the proposal of {honest.address}, {cid(roots[0])} is right",
        f"round 1: the final global {cid(roots[0])} is right",
        f"round 2: the proposal of {liar.address}, {cid(roots[1])} is WRONG",
        f"round 2: the final global {cid(roots[1])} is WRONG",
    ]
    folder = config.parent
    assert sorted(path.name for path in folder.iterdir()) == ["fednode.toml", "home"], "its own store is as it was"
    assert sorted(path.name for path in (folder / "home").iterdir()) == ["journal.sqlite.lock", "watch"]
    with Journal(folder / "home/watch/journal.sqlite") as journal:
        assert journal.outbox_all() == []


def wait_for(log: Path, words: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while words not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def test_it_says_what_it_saw_when_it_is_stopped(clients: list[SyntheticClient], tmp_path: Path) -> None:
    federation = clients[0].federation
    site = AggregatorSite(federation, tmp_path / "honest", [client.store_path for client in clients])
    play_inputs(clients, 1, federation.genesis.root)
    root = propose(site, Aggregator)
    (site.folder / "keystore.json").unlink()
    (site.folder / "password.txt").unlink()
    command = [str(BIN / "fedaggregator"), "watch", "--dry-run", "-c", str(site.config_path)]
    log = tmp_path / "log.txt"
    with log.open("wb") as lines:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=lines, text=True)
    wait_for(log, "is right")
    process.terminate()
    said, _ = process.communicate(timeout=30)
    assert (process.returncode, said) == (0, f"round 1: the proposal of {site.address}, {cid(root)} is right\n")
    assert "error" not in log.read_text().lower()
    refused = subprocess.run([command[0], "watch", *command[3:]], capture_output=True, text=True)
    assert refused.returncode == FOR_A_PERSON and "there is no password file" in refused.stderr


def test_what_nobody_serves_is_not_called_right(clients: list[SyntheticClient], tmp_path: Path) -> None:
    federation = clients[0].federation
    site = AggregatorSite(federation, tmp_path / "honest", [client.store_path for client in clients])
    config = site_without_a_key(tmp_path / "site", federation, [clients[0].store_path])
    play_inputs(clients, 1, federation.genesis.root)
    root = propose(site, Aggregator)
    federation.pass_time(601)
    with Observer.open(load(config), 8) as watch:
        missed = []
        while not watch.seen:
            try:
                watch.step()
            except InputsMissing as error:
                missed.append(error)
            time.sleep(0.1)  # what failed is tried again after a pause
        assert len(missed) == MERGE_TRIES and all(clients[1].address in str(error) for error in missed)
        [seen] = watch.seen.values()
        assert seen == Finding(1, root, None, Undecided(NO_INPUTS))
        assert str(seen).endswith("could not be checked: its inputs are not to be had")
    clients[0].store.put(clients[1].updates[1].leaves)
    with Observer.open(load(config), 8) as watch:  # tried again by the next run
        watch.step()
        watch.step()
        assert Finding(1, root, None, Right()) in watch.seen.values()
        assert all(finding.right for finding in watch.seen.values())


def test_it_does_not_run_beside_the_node(clients: list[SyntheticClient], tmp_path: Path) -> None:
    config = load(site_without_a_key(tmp_path / "site", clients[0].federation, []))
    with Journal(config.journal), pytest.raises(JournalLocked), Observer.open(config, 8):
        pass
    with Observer.open(config, 8), pytest.raises(JournalLocked):
        Journal(config.journal)
    assert in_lines([]) == ["nothing was seen: no round had fixed inputs"]


def test_without_dry_a_key_is_asked_for(clients: list[SyntheticClient], tmp_path: Path) -> None:
    config = site_without_a_key(tmp_path / "site", clients[0].federation, [])
    refused = subprocess.run([str(BIN / "fednode"), "run", "-c", str(config)], capture_output=True, text=True)
    assert refused.returncode == FOR_A_PERSON and "to only watch, add --dry-run" in refused.stderr
