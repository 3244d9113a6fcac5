"""A lie that was convicted on a real chain, replayed from its calls and from the store; and rounds computed again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from fedaggregator.disputes.price import Limits
from fedexplorer.content.content import Change, Content
from fedexplorer.content.inputs import RoundInputs
from fedexplorer.content.jobs import Job, Report, Standing
from fedexplorer.content.named import Kind, Name
from fedexplorer.content.opened import OpenTree
from fedexplorer.content.recompute import Recomputed, Unserved
from fedexplorer.disputes.gather import Convicted, Gathering
from fedexplorer.disputes.gathered import ReplayError, Source
from fedexplorer.disputes.read_leaf import LeafReader
from fedexplorer.disputes.replay import Replay
from fedprotocol import tree
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.numbers import UNIT, from_bytes
from fedprotocol.store.deadline import Deadline
from support.convicted import CLIENTS, FEDAVG, LEAVES, REJECTED, VALUES, WRONG, ConvictedRound, K
from support.evm import Anvil

SECONDS = 20.0
TIGHT = Limits(calldata=1_500)  # the case takes several calls


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil("--order", "fifo", "--accounts", "12") as anvil:
        yield anvil


@pytest.fixture(scope="module")
def in_one(chain: Anvil, tmp_path_factory: pytest.TempPathFactory) -> ConvictedRound:
    return ConvictedRound(chain, tmp_path_factory.mktemp("one"))


@pytest.fixture(scope="module")
def carried(chain: Anvil, tmp_path_factory: pytest.TempPathFactory) -> ConvictedRound:
    return ConvictedRound(chain, tmp_path_factory.mktemp("carried"), limits=TIGHT)


def replayed(made: ConvictedRound, content: Content, what: Convicted | None = None) -> Replay:
    def again(inputs: RoundInputs, deadline: Deadline) -> Recomputed:
        job = content.recompute(inputs, deadline.left)
        assert job.result is not None, job.error
        return job.result

    events = EventIndex(made.coordinator)
    gathering = Gathering(LeafReader(made.coordinator, content.config, content.trees), events, FEDAVG, again)
    return gathering(what or made.convicted(), Report(Deadline(SECONDS)))


def check(made: ConvictedRound, found: Replay) -> None:
    """The replay against the numbers of the test's own FedAvg."""
    game = made.game
    assert (found.found.leaf, found.found.part, found.leaf_in_global) == (WRONG // K, 0, WRONG // K)
    assert found.right == made.right.leaves[WRONG // K]
    assert found.right_digest == made.right.digests[WRONG // K]
    assert found.found.claimed_digest == made.lie.digests[WRONG // K]
    accepted = [i for i in range(CLIENTS) if i not in REJECTED]
    assert [share.update.index for share in found.found.shares] == accepted
    assert found.weight == sum(game.updates[i].weight for i in accepted)
    column, at = found.column(WRONG % K), WRONG
    assert column.prior == (int(game.prior[at]),)
    assert [row.mantissa for row in column.rows] == [int(game.updates[i].mantissas[at]) for i in accepted]
    assert [row.units for row in column.rows] == [
        int(game.updates[i].mantissas[at]) * 2 ** game.updates[i].shift for i in accepted
    ]
    running = np.cumsum(
        [game.updates[i].weight * int(game.updates[i].mantissas[at]) * 2 ** game.updates[i].shift for i in accepted]
    )
    assert column.running == tuple((int(total),) for total in running)
    assert column.right == made.values[at]
    claimed = found.claimed_values(made.lie.leaves[WRONG // K])
    assert np.flatnonzero(claimed != found.rights()).tolist() == [WRONG % K]
    with pytest.raises(ReplayError):
        found.claimed_values(made.right.leaves[WRONG // K])


def test_a_conviction_in_one_call(in_one: ConvictedRound) -> None:
    found = replayed(in_one, in_one.content("replay"))
    check(in_one, found)
    assert found.found.leaf_is_known
    assert {share.source for share in found.found.shares} == {Source.CALLDATA}
    [part] = found.found.calls
    assert (part.name, part.start, part.stop, part.call.sender) == ("challenge", 0, 4, in_one.challenger.address)
    receipt = in_one.chain.web3.eth.get_transaction_receipt("0x" + part.call.tx.hex())
    assert (found.found.gas, found.found.fee) == (receipt["gasUsed"], receipt["gasUsed"] * receipt["effectiveGasPrice"])
    assert not list((in_one.folder / "replay/trees").glob("*.car")), "the transaction has everything"


def test_a_conviction_with_sums_that_were_carried(carried: ConvictedRound) -> None:
    found = replayed(carried, carried.content("replay"))
    check(carried, found)
    assert carried.calls > 2
    assert [part.name for part in found.found.calls] == ["carry"] * (carried.calls - 1) + ["challenge"]
    ends = [(part.start, part.stop) for part in found.found.calls]
    assert ends[0][0] == 0
    assert ends[-1][1] == 4
    assert all(before[1] == after[0] for before, after in pairwise(ends))
    assert found.found.kept is not None
    assert found.found.kept.count == ends[-1][0] > 0
    assert {share.source for share in found.found.shares} == {Source.CALLDATA}
    assert found.found.gas == sum(part.call.gas for part in found.found.calls)


def test_where_no_transaction_shows_the_proof_the_store_does(in_one: ConvictedRound) -> None:
    what = in_one.convicted()
    other = in_one.chain.do(in_one.federation.token.functions.approve(in_one.challenger.address, 1))
    hidden = replace(what, tx=bytes(other["transactionHash"]))
    found = replayed(in_one, in_one.content("hidden"), hidden)
    check(in_one, found)
    assert not found.found.leaf_is_known
    assert {found.found.prior_source, *(share.source for share in found.found.shares)} == {Source.STORE}
    assert [part.start for part in found.found.calls] == [None]


def test_another_convictions_transaction_does_not_pass(in_one: ConvictedRound, carried: ConvictedRound) -> None:
    """A proof about another federation, or another proposal, is not taken for this one."""
    what, foreign = in_one.convicted(), carried.convicted()
    swapped = replace(what, tx=foreign.tx)
    assert not replayed(in_one, in_one.content("foreign"), swapped).found.leaf_is_known
    right = replace(what, proposer=in_one.honest, root=in_one.right.root)
    with pytest.raises(ReplayError, match="the wrong leaf is not found"):
        replayed(in_one, in_one.content("right"), right)


def done(job: Job[Recomputed]) -> Recomputed:
    assert job.result is not None, job
    return job.result


def test_a_round_is_computed_again_before_and_after_it_ends(in_one: ConvictedRound) -> None:
    content = in_one.content("again")
    before = in_one.inputs()
    found = done(content.recompute(before, SECONDS))
    assert found.root == in_one.right.root
    lie, right = found.verdicts
    assert (lie.is_right, right.is_right) == (False, True)
    assert lie.first.leaf == WRONG // K
    assert (lie.first.claimed, lie.first.expected) == (
        in_one.lie.digests[WRONG // K],
        in_one.right.digests[WRONG // K],
    )
    assert lie.right_leaf == in_one.right.leaves[WRONG // K]
    assert content.recompute(before).result is found, "it is not done twice"
    assert not list((in_one.folder / "again/recomputed").iterdir())
    snapshot = in_one.chain.rpc("evm_snapshot")
    in_one.finish()
    assert content.recompute(in_one.inputs()).result is found, "its inputs are the same"
    assert in_one.coordinator.round_view(1).global_root == found.root
    in_one.chain.rpc("evm_revert", snapshot)


def test_what_nobody_serves_is_named(in_one: ConvictedRound) -> None:
    lost = in_one.game.updates[2].tree
    in_one.store.unpin(lost.root)
    try:
        failed = in_one.content("lost").recompute(in_one.inputs(), SECONDS)
    finally:
        in_one.serve(lost)
    assert isinstance(failed.error, Unserved)
    assert f"update 2 of {in_one.game.accounts[2]}" in str(failed.error)
    assert tree.cid(lost.root) in str(failed.error)


def test_a_tampered_store_makes_no_other_result(in_one: ConvictedRound) -> None:
    shown = in_one.game.updates[3].tree
    car = in_one.store.car_path(shown.root)
    kept = car.read_bytes()
    car.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    try:
        failed = in_one.content("tampered").recompute(in_one.inputs(), SECONDS)
    finally:
        car.write_bytes(kept)
    assert isinstance(failed.error, Unserved)
    assert "not what the chain names" in str(failed.error)


def test_a_cache_that_is_too_small_says_so(in_one: ConvictedRound) -> None:
    failed = in_one.content("small", limit=3_000).recompute(in_one.inputs(), SECONDS)
    assert "--cache" in str(failed.error)


def test_trees_spec_and_statistics(in_one: ConvictedRound) -> None:
    content = in_one.content("trees")
    spec = content.spec(SECONDS).result
    assert spec is not None
    assert spec.text == in_one.spec
    update = in_one.game.updates[4]
    name = Name(Kind.UPDATE, update.tree.root, 1, in_one.game.accounts[4], 4, update.shift, update.weight)
    opened = content.open(name, SECONDS)
    assert isinstance(opened, OpenTree)
    with content.reading(opened) as leaves:
        assert [leaves[i] for i in range(LEAVES)] == update.tree.leaves
    found = content.statistics(Change(name), SECONDS).result
    assert found is not None
    reals = update.mantissas.astype(np.float64) * 2.0**update.shift * UNIT
    assert found.whole.norm == pytest.approx(float(np.linalg.norm(reals)))
    assert [(t.name, t.summary.count) for t in found.tensors] == [("layers.0.q.lora_A", 90), ("layers.0.q.lora_B", 60)]
    right = Name(Kind.PROPOSAL, in_one.right.root, 1, in_one.honest)
    changed = content.statistics(Change(right, in_one.game.prior_tree.root), SECONDS).result
    assert changed is not None
    difference = np.array(in_one.values, np.int64) - in_one.game.prior
    assert (changed.whole.count, changed.whole.largest) == (VALUES, int(difference.max()) * UNIT)


def test_a_lie_that_nobody_serves_still_has_its_digests(in_one: ConvictedRound) -> None:
    content = in_one.content("digests")
    name = Name(Kind.PROPOSAL, in_one.lie.root, 1, in_one.liar)
    opened = content.open(name, SECONDS)
    assert isinstance(opened, Job)
    assert opened.standing is Standing.FAILED
    known = content.digests(name, SECONDS).result
    assert known is not None
    assert known.root == in_one.lie.root
    assert [known.digest(i) for i in range(LEAVES)] == in_one.lie.digests
    assert known.leaves is None
    assert from_bytes(in_one.lie.leaves[WRONG // K], 32)[WRONG % K] != in_one.values[WRONG]
