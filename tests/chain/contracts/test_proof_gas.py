"""Proofs of real size on a real anvil, through the program that convicts, with their gas against the committed figures.

`GAS_UPDATE=1` writes the file anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fedaggregator.disputes.convict import Move, advance, simulate
from fedprotocol import tree
from fedprotocol.numbers import split_leaves
from support.deployed import Deployed, sender
from support.disputed import Recomputed
from support.evm import Anvil
from support.leaf_round import INT32, LeafRound

FIGURES = Path(__file__).with_name("gas_proof.json")
TABLE = Path(__file__).resolve().parents[3] / "docs/gas.md"
LEAVES, K, LEAF = 512, 1024, 300
TRANSACTION_GAS, POOL_BYTES = 2**24, 128 * 1024 - 512  # the rest of a transaction stands around the calldata
TOLERANCE = 0.005
SIZES = [(clients, bits) for bits in (8, 16) for clients in (4, 16, 64, 256)]


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    options = ("--accounts", "258", "--gas-limit", "1000000000", "--enable-tx-gas-limit", "--order", "fifo")
    with Anvil(*options, "--code-size-limit", "24576") as anvil:
        yield anvil


@pytest.mark.parametrize(("clients", "bits"), SIZES)
def test_gas_of_a_case(
    chain: Anvil, clients: int, bits: int, tmp_path: Path, record_property: pytest.RecordProperty
) -> None:
    prior = np.random.default_rng(2).integers(*INT32, LEAVES * K, endpoint=True, dtype=np.int32)
    genesis = tree.root([tree.leaf_digest(leaf) for leaf in split_leaves(prior, K)])
    federation = Deployed.on(
        chain, genesisRoot=genesis, leafCount=LEAVES, leafValues=K, mantissaBits=bits, maxClients=clients
    )
    game = LeafRound(federation, prior, clients, only=LEAF)
    wrong = game.right_global()
    wrong[LEAF * K + 700] ^= 1
    game.propose(game.tree_of(wrong), game.accounts[0])
    mine = Recomputed(game)
    case = mine.case(game.accounts[0])
    assert case
    assert case.wrong.leaf == LEAF

    account = federation.account()
    planned = simulate(mine.coordinator, account.address, case)
    journal, expected, used = sender(chain, account, tmp_path / "journal.db"), [], 0
    for _ in planned:  # only the next call can be estimated
        expected.append(simulate(mine.coordinator, account.address, case)[0])
        move, gas = advance(mine.coordinator, journal, case)
        used += gas
    assert move is Move.CONVICTED
    assert mine.coordinator.proposals(1) == ()
    assert mine.coordinator.owed(account.address) > 0
    assert [call.calldata for call in expected] == [call.calldata for call in planned]
    for call in expected:
        bound = case.size.call(call.start, call.stop - call.start, call.name == "challenge").gas
        assert not call.bound
        assert call.gas <= bound <= TRANSACTION_GAS
    assert max(call.calldata for call in expected) <= POOL_BYTES
    assert used <= sum(call.gas for call in expected) <= 1.1 * used  # an estimate is of the gas limit

    name = f"{clients} clients, {bits} bits"
    measured = {
        "calls": len(expected),
        "gas": used,
        "largest": max(call.gas for call in expected),
        "calldata": sum(call.calldata for call in expected),
    }
    record_property(f"gas: proof, {name}, {K:,} values, {LEAVES} leaves, {len(expected)} calls", used)
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    if os.environ.get("GAS_UPDATE"):
        FIGURES.write_text(json.dumps(figures | {name: measured}, indent=2) + "\n")
        return
    committed = figures[name]
    assert (len(expected), measured["calldata"]) == (committed["calls"], committed["calldata"])
    assert used == pytest.approx(committed["gas"], rel=TOLERANCE), "GAS_UPDATE=1 writes new figures"


def test_the_page_shows_the_committed_figures() -> None:
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in TABLE.read_text().splitlines()]
    for name, figures in json.loads(FIGURES.read_text()).items():
        clients, bits = name.removesuffix(" bits").split(" clients, ")
        shown = [f"{figures[key]:,}" for key in ("gas", "calls", "largest", "calldata")]
        assert [clients, bits, *shown] in rows, f"docs/gas.md, {name}: {shown}"
