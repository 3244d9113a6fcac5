"""Replays of convictions under rules that keep state or need all updates at once, and of evidence that somebody
altered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fedaggregator.compute.merge import merge
from fedaggregator.disputes.convict import convict
from fedaggregator.disputes.price import Limits
from fedaggregator.rules import RULES
from fedexplorer.content.inputs import Given, Proposed, RoundInputs
from fedexplorer.content.jobs import Report
from fedexplorer.content.shelf import Shelf
from fedexplorer.content.trees import Trees
from fedexplorer.disputes.gather import Convicted, Gathering
from fedexplorer.disputes.gathered import ReplayError
from fedexplorer.disputes.read_leaf import LeafReader
from fedexplorer.disputes.replay import Replay, replay
from fedprotocol import tree
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.numbers import split_leaves
from fedprotocol.store.deadline import Deadline
from fedprotocol.store.directory import DirectoryStore
from fedprotocol.store.open import open_store
from support.deployed import Deployed, sender
from support.disputed import Recomputed
from support.evm import Anvil
from support.leaf_round import INT32, LeafRound, LeafTree

K, LEAVES, CLIENTS, AT = 32, 5, 4, 9
SHAPES = [(RULES[name], part) for name in ("fedavgm", "median") for part in range(RULES[name].parts)]


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil("--accounts", "12", "--gas-limit", "1000000000", "--code-size-limit", "24576") as anvil:
        yield anvil


@pytest.fixture(params=SHAPES, ids=lambda shape: f"{shape[0].name} {shape[1]}")
def convicted(request: pytest.FixtureRequest, chain: Anvil, tmp_path: Path) -> tuple[Replay, MemoryLeaves, int]:
    """A replay, the right global, and the number of the wrong leaf, which is of the part."""
    rule, part = request.param
    wrong = part * LEAVES + 3
    prior = np.random.default_rng(3).integers(*INT32, rule.parts * LEAVES * K, endpoint=True, dtype=np.int32)
    genesis = tree.root([tree.leaf_digest(leaf) for leaf in split_leaves(prior, K)])
    settings = {"rule": chain.deploy(rule.contract).address, "genesisRoot": genesis, "leafCount": LEAVES}
    federation = Deployed.on(chain, **settings, leafValues=K, maxClients=CLIENTS)
    game = LeafRound(federation, prior, CLIENTS, parts=rule.parts)
    known = Recomputed(game)
    merged = merge(rule, known.prior, known.contributions, 8, game.config.server_lr, tmp_path / "merged")
    known.own = MemoryLeaves([merged[i] for i in range(len(merged))])
    leaves = [known.own[i] for i in range(len(known.own))]
    leaves[wrong] = leaves[wrong][:-1] + bytes([leaves[wrong][-1] ^ 1])
    lie = LeafTree(leaves)
    game.propose(lie, game.accounts[0])
    case = known.case(game.accounts[0])
    assert case is not None
    me = federation.account()
    assert convict(known.coordinator, sender(chain, me, tmp_path / "me.db"), case, Limits(calldata=2_050)).convicted
    with EventIndex(known.coordinator) as events:
        events.sync()
        [event] = events.events(("Convicted",))
        updates = tuple(
            Given(i, u.client, u.root, u.weight, u.shift) for i, u in enumerate(known.coordinator.updates(1))
        )
        inputs = RoundInputs(1, genesis, updates, (Proposed(game.accounts[0], lie.root),))
        what = Convicted(inputs, event.tx_hash, event.block, 0, game.accounts[0], lie.root)
        store = open_store(f"dir:{tmp_path / 'nothing'}", tmp_path / "own", only_reads=True)
        trees = Trees(store, Shelf(DirectoryStore(tmp_path / "own"), 1 << 20))
        gathering = Gathering(LeafReader(known.coordinator, game.config, trees), events, rule, _never)
        return gathering(what, Report(Deadline(20))), known.own, wrong


def _never(*_: object) -> Any:
    raise AssertionError("the calls show everything")


def test_any_rule_is_replayed(convicted: tuple[Replay, MemoryLeaves, int]) -> None:
    found, own, wrong = convicted
    assert (found.leaf_in_global, found.right) == (wrong, own[wrong])
    assert len(found.found.calls) > 1
    column = found.column(AT)
    assert len(column.prior) == found.rule.parts
    assert column.right == int.from_bytes(own[wrong][4 * AT : 4 * AT + 4], signed=True)
    numbers = [len(after) for after in column.running]
    assert numbers == ([1, 1, 1, 1] if found.adds_up else [1, 2, 3, 4])
    assert found.adds_up is (found.rule.name == "fedavgm")
    with pytest.raises(IndexError):
        found.column(K)


def test_altered_evidence_does_not_pass(convicted: tuple[Replay, MemoryLeaves, int]) -> None:
    made, _, _ = convicted
    found = made.found

    def flipped(data: bytes) -> bytes:
        return data[:-1] + bytes([data[-1] ^ 1])

    first, *others = found.shares
    opening = first.opening
    prior, *parts = found.prior
    assert found.kept is not None
    altered = {
        "a client's leaf": replace(
            found, shares=(replace(first, opening=replace(opening, leaf=flipped(opening.leaf))), *others)
        ),
        "a client's path": replace(
            found, shares=(replace(first, opening=replace(opening, path=opening.path[::-1])), *others)
        ),
        "a client left out": replace(found, shares=tuple(others)),
        "another order": replace(found, shares=(*others, first)),
        "another weight": replace(
            found, shares=(replace(first, update=replace(first.update, weight=first.update.weight + 1)), *others)
        ),
        "the prior leaf": replace(found, prior=(replace(prior, leaf=flipped(prior.leaf)), *parts)),
        "a part too many": replace(found, prior=(*found.prior, prior)),
        "the claim": replace(found, claimed_digest=flipped(found.claimed_digest)),
        "another leaf": replace(found, leaf=found.leaf - 1),
        "no such leaf": replace(found, leaf=LEAVES),
        "the carried sums": replace(found, kept=replace(found.kept, values=flipped(found.kept.values))),
        "their weight": replace(found, kept=replace(found.kept, weight=found.kept.weight + 1)),
    }
    for what, evidence in altered.items():
        with pytest.raises(ReplayError):
            raise AssertionError(f"{what}: {replay(made.rule, made.config, made.inputs, made.root, evidence)}")
    right = replace(found, claimed_digest=made.right_digest)
    with pytest.raises(ReplayError):
        replay(made.rule, made.config, made.inputs, made.root, right)
