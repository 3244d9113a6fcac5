"""Each example runs, on a real chain, and says the right thing; a wrong global is called wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fedaggregator.compute.inputs import recompute
from fedprotocol.chain.account import keys
from fedprotocol.chain.read.snapshot import take_snapshot
from fedprotocol.tree import leaf_digest
from fedprotocol.types import Phase
from support.documents import ROOT
from support.evm import Anvil
from support.live_federation import LiveFederation, directory_url
from support.synthetic import SyntheticClient, play_inputs

CHAIN_ID = "31337"
LENGTHS = {"revealLength": 3600, "attestLength": 3600, "challengeLength": 60}


@pytest.fixture
def chain() -> Iterator[Anvil]:
    with Anvil("--order", "fifo") as chain:
        yield chain


def example(name: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, str(ROOT / "examples" / name), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(os.environ))


def ended(program: subprocess.Popen[str], status: int = 0) -> str:
    said, _ = program.communicate(timeout=120)
    assert program.returncode == status, said
    return said


def finished_round(chain: Anvil, folder: Path, lie: bool = False) -> tuple[LiveFederation, Path]:
    """Round 1 is final, with a wrong global if `lie`; updates and global 0 lie in one directory."""
    federation = LiveFederation(chain, **LENGTHS)
    store = folder / "store"
    clients = [SyntheticClient(federation, folder / str(i), seed=i, store=store) for i in range(2)]
    clients[0].store.put(federation.genesis)
    for client in clients:
        client.join()
    play_inputs(clients, 1, federation.genesis.root)
    proposer, coordinator = clients[0], federation.coordinator
    state = take_snapshot(coordinator, proposer.address).round(1)
    assert state
    with recompute(coordinator, proposer.store, state, federation.genesis, folder / "leaves") as leaves:
        content = [leaves[i] for i in range(len(leaves))]
    if lie:
        content[3] = bytes(len(content[3]))
    coordinator.token.ensure_allowance(proposer.sender, coordinator.address, coordinator.bond_of(proposer.address))
    view = coordinator.round_view(1)
    digests = [leaf_digest(leaf) for leaf in content]
    call = coordinator.calls.propose(1, view.inputs_hash, view.accepted_mask, 0, digests)
    proposer.sender.send(call, "propose")
    federation.pass_time(3700)
    assert federation.phase(1) is Phase.FINAL
    for client in clients:
        client.close()
    return federation, store


def test_watch_and_verify(chain: Anvil, tmp_path: Path) -> None:
    federation, store = finished_round(chain, tmp_path)
    where = (chain.url, CHAIN_ID, federation.coordinator.address)
    watching = example("watch_federation.py", *where, "--once")
    right = example("verify_round.py", *where, 1, directory_url(store))
    said = ended(watching)
    assert said.count("Revealed") == 2 and "Proposed" in said
    assert "the global model is right" in ended(right)


def test_a_wrong_global_that_nobody_convicted_is_called_wrong(chain: Anvil, tmp_path: Path) -> None:
    federation, store = finished_round(chain, tmp_path, lie=True)
    where = (chain.url, CHAIN_ID, federation.coordinator.address)
    assert "THE GLOBAL MODEL IS WRONG" in ended(example("verify_round.py", *where, 1, directory_url(store)), 1)


def test_a_rule_and_its_contract(chain: Anvil) -> None:
    right = example("add_rule.py", chain.url, CHAIN_ID, chain.deploy("StateRule").address)
    assert "64 of 64 values agree" in ended(right)


def test_a_training_loop_of_ones_own(chain: Anvil, tmp_path: Path) -> None:
    federation, store = LiveFederation(chain, **LENGTHS), tmp_path / "store"
    other, own = (SyntheticClient(federation, tmp_path / name, seed=1, store=store) for name in ("other", "own"))
    other.store.put(federation.genesis)
    for client in (other, own):
        client.join()
    own.close()
    password = tmp_path / "password"
    password.write_text("long enough")
    password.chmod(0o600)
    keys.save(tmp_path / "key.json", own.account, "long enough", iterations=2)
    where = (chain.url, CHAIN_ID, federation.coordinator.address, tmp_path / "key.json", password)
    program = example("own_training_loop.py", *where, directory_url(store), "--home", tmp_path / "home")
    other.commit(1, federation.genesis.root)
    federation.wait_for(1, Phase.REVEAL)
    other.reveal(1)
    federation.wait_for(1, Phase.ATTEST)
    assert "vouched for 2 updates" in ended(program)
    other.attest(1)
    assert federation.phase(1) is Phase.AGGREGATE
    assert federation.coordinator.round_view(1).accepted_mask == 0b11
    other.close()
