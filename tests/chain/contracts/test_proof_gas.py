"""Proofs of real size under every rule on a real anvil, through the program that convicts, with their gas against the
committed figures.

`GAS_UPDATE=1` writes the file anew, from all cases; without it only those of four clients are measured, and two
larger ones.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fedaggregator.disputes.convict import Move, advance, simulate
from fedaggregator.rules import RULES
from fedaggregator.rules.base import Rule
from fedprotocol import tree
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.numbers import split_leaves
from numpy.typing import NDArray
from support.deployed import Deployed, sender
from support.disputed import Recomputed
from support.evm import Anvil
from support.leaf_round import INT32, LeafRound, LeafTree
from support.rules import TESTED, terms

FIGURES = Path(__file__).with_name("gas_proof.json")
TABLE = Path(__file__).resolve().parents[3] / "docs/gas.md"
LEAVES, K, LEAF = 512, 1024, 300
TRANSACTION_GAS, POOL_BYTES = 2**24, 128 * 1024 - 512  # the rest of a transaction stands around the calldata
TOLERANCE = 0.005
SIZES = [
    (rule, clients, bits)
    for rule in RULES
    for bits in RULES[rule].bits
    for clients in ((4, 16, 64, 256) if rule == "fedavg" else (4, 16, 64))
    if clients <= RULES[rule].max_clients(K, bits)
]
MEASURED = (
    SIZES
    if os.environ.get("GAS_UPDATE")
    else [case for case in SIZES if case[1] == 4 or case in (("fedavg", 16, 16), ("median", 64, 8))]
)


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    options = ("--accounts", "258", "--gas-limit", "1000000000", "--enable-tx-gas-limit", "--order", "fifo")
    with Anvil(*options, "--code-size-limit", "24576") as anvil:
        yield anvil


@pytest.mark.parametrize(("name", "clients", "bits"), MEASURED)
def test_gas_of_a_case(
    chain: Anvil, name: str, clients: int, bits: int, tmp_path: Path, record_property: pytest.RecordProperty
) -> None:
    measured = convicted(chain, TESTED[name], clients, bits, tmp_path)
    record_property(
        f"gas: proof, {name}, {clients} clients, {bits} bits, {K:,} values, {LEAVES} leaves, {measured['calls']} calls",
        measured["gas"],
    )
    what, figures = f"{name}, {clients} clients, {bits} bits", {}
    if FIGURES.exists():
        figures = json.loads(FIGURES.read_text())
    if os.environ.get("GAS_UPDATE"):
        FIGURES.write_text(json.dumps(figures | {what: measured}, indent=2) + "\n")
        return
    committed = figures[what]
    assert [measured[key] for key in ("calls", "calldata")] == [committed[key] for key in ("calls", "calldata")]
    assert measured["gas"] == pytest.approx(committed["gas"], rel=TOLERANCE), "GAS_UPDATE=1 writes new figures"


@pytest.mark.parametrize(("name", "bits"), [(name, bits) for name, rule in RULES.items() for bits in rule.bits])
def test_the_largest_leaves_are_within_the_bounds(chain: Anvil, name: str, bits: int, tmp_path: Path) -> None:
    """K = 8,192, where calldata and gas run out first: as many clients as the rule allows, or enough for several
    calls."""
    rule = TESTED[name]
    most = rule.max_clients(8192, bits)
    convicted(chain, rule, min(12, most), bits, tmp_path, leaves=3, values=8192, at=2)


def convicted(
    chain: Anvil,
    rule: Rule,
    clients: int,
    bits: int,
    folder: Path,
    leaves: int = LEAVES,
    values: int = K,
    at: int = LEAF,
) -> dict[str, int]:
    """What it takes to convict a lie in the last value of what `rule` keeps at leaf `at`. It is within the bounds."""
    rng = np.random.default_rng(2)
    prior = np.zeros((rule.parts, leaves, values), np.int32)
    prior[0] = rng.integers(*INT32, (leaves, values), endpoint=True)
    prior[1:, at] = rng.integers(-(2**24), 2**24, values)
    genesis = tree.root([tree.leaf_digest(leaf) for leaf in split_leaves(prior.ravel(), values)])
    federation = Deployed.on(
        chain,
        **terms(chain, rule, bits),
        genesisRoot=genesis,
        leafCount=leaves,
        leafValues=values,
        maxClients=clients,
        minClients=3 if bits == 32 else 1,
    )
    game = LeafRound(federation, prior.ravel(), clients, only=at, parts=rule.parts)
    right = split_leaves(finished(rule, game, prior, at).ravel(), values)
    last = (rule.parts - 1) * leaves + at
    lie = right.copy()
    lie[last] = lie[last][:-1] + bytes([lie[last][-1] ^ 1])
    game.propose(LeafTree(lie), game.accounts[0])
    mine = Recomputed(game)
    mine.own = MemoryLeaves(right)
    case = mine.case(game.accounts[0])
    assert case
    assert case.wrong.leaf == last

    account = federation.account()
    planned = simulate(mine.coordinator, account.address, case)
    journal, expected, used = sender(chain, account, folder / "journal.db"), [], 0
    for _ in planned:  # only the next call can be estimated
        expected.append(simulate(mine.coordinator, account.address, case)[0])
        move, gas = advance(mine.coordinator, journal, case)
        used += gas
    assert move is Move.PROVED
    assert mine.coordinator.proposals(1) == ()
    assert mine.coordinator.owed(account.address) > 0
    assert [call.calldata for call in expected] == [call.calldata for call in planned]
    for call in expected:
        bound = case.size.call(call.start, call.stop - call.start, call.name == "challenge").gas
        assert not call.bound
        assert call.gas <= bound <= TRANSACTION_GAS
    assert max(call.calldata for call in expected) <= POOL_BYTES
    assert used <= sum(call.gas for call in expected) <= 1.1 * used  # an estimate is of the gas limit
    return {
        "calls": len(expected),
        "gas": used,
        "largest": max(call.gas for call in expected),
        "calldata": sum(call.calldata for call in expected),
    }


def finished(rule: Rule, game: LeafRound, prior: NDArray[np.int32], at: int) -> NDArray[np.int32]:
    """The right global, int32 [parts, leaves, values]: only at leaf `at` are updates, and what the rule keeps, not
    zero."""
    sums, right, size = None, prior.copy(), prior.shape[2]
    for update in (game.updates[i] for i in game.accepted):
        mantissas = update.mantissas[np.newaxis, at * size : (at + 1) * size]
        sums = rule.accumulate(sums, mantissas, update.weight, update.shift)
    assert sums is not None
    total = sum(game.updates[i].weight for i in game.accepted)
    right[:, at] = rule.finish(sums, prior[:, at : at + 1], total, game.config.server_lr)[:, 0]
    return right


def test_the_page_shows_the_committed_figures() -> None:
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in TABLE.read_text().splitlines()]
    for name, figures in json.loads(FIGURES.read_text()).items():
        rule, clients, bits = name.removesuffix(" bits").replace(" clients", "").split(", ")
        shown = [f"{figures[key]:,}" for key in ("gas", "calls", "largest", "calldata")]
        assert [rule, clients, bits, *shown] in rows, f"docs/gas.md, {name}: {shown}"
