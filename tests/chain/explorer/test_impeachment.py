"""A masked round of garbage that was impeached on a real chain, replayed from its calls and from the store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fedaggregator.compute.garbage import Garbage
from fedaggregator.compute.inputs import rule_of
from fedaggregator.disputes.price import Limits
from fedaggregator.rules.masked_mean import MaskedMean
from fedexplorer.content.inputs import Given, RoundInputs
from fedexplorer.content.jobs import Report
from fedexplorer.content.shelf import Shelf
from fedexplorer.content.trees import Trees
from fedexplorer.disputes.calls import read_call
from fedexplorer.disputes.gather_impeachment import ImpeachmentGathering
from fedexplorer.disputes.gathered import Part, ReplayError, Source
from fedexplorer.disputes.impeached import Impeached, impeached
from fedexplorer.disputes.read_leaf import Case, LeafReader
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.store.deadline import Deadline
from fedprotocol.store.directory import DirectoryStore
from fedprotocol.store.open import open_store
from support.evm import Anvil
from support.masked_clients import BOUND, LEAVES, MaskedFederation, MaskedRound
from support.masked_disputes import impeached_round

K, LEAF, CHEAT = 32, 3, 2
TIGHT = Limits(calldata=1_200)  # the case takes several calls


class Voided:
    """Round 1 of a masked federation, void by its leaf LEAF; and an explorer's reader of it."""

    def __init__(self, chain: Anvil, folder: Path) -> None:
        self.made = MaskedFederation(chain, folder, clients=5)
        self.coordinator = self.made.coordinator
        self.played = self.made.play(1, garbage_from=CHEAT)
        self.calls = impeached_round(self.made, self.played, LEAF, TIGHT)
        rule = rule_of(self.coordinator)
        assert isinstance(rule, MaskedMean)
        self.rule = rule
        own = DirectoryStore(folder / "own")
        peers = [f"dir:{path}" for path in self.made.stores[1:]]
        store = open_store(f"dir:{self.made.stores[0]}", folder / "own", peers, only_reads=True)
        self.reader = LeafReader(self.coordinator, self.coordinator.config(), Trees(store, Shelf(own, 1 << 20)))

    def case(self) -> Case:
        with EventIndex(self.coordinator) as events:
            events.sync()
            [voided] = events.events(("RoundVoided",))
            opened = events.events(("RoundOpened",))[0]
        return Case(self.inputs(1), voided.tx_hash, voided.block, opened.block)

    def inputs(self, number: int) -> RoundInputs:
        updates = tuple(
            Given(i, u.client, u.root, u.weight, u.shift) for i, u in enumerate(self.coordinator.updates(number))
        )
        return RoundInputs(number, self.coordinator.round_view(number).prior_root, updates, ())

    def replayed(self, what: Case, garbage: int | None = None) -> Impeached:
        """`garbage`: the leaf at which computing the round again finds it; None: nobody may want that."""

        def recompute(*_: object) -> None:
            assert garbage is not None, "the calls show everything"
            raise Garbage(garbage)

        return ImpeachmentGathering(self.reader, self.rule, recompute)(what, report())


def report() -> Report:
    return Report(Deadline(20))


def sums_at(played: MaskedRound, leaf: int) -> np.ndarray:
    """Of what was sent, modulo 2^32, in Python's own integers."""
    columns = [np.frombuffer(own[leaf], ">i4").astype(object) for own in played.sent]
    return (sum(columns) + 2**31) % 2**32 - 2**31


@pytest.fixture(scope="module")
def voided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Voided]:
    with Anvil() as chain:
        voided = Voided(chain, tmp_path_factory.mktemp("voided"))
        yield voided
        voided.made.close()


def check(voided: Voided, found: Impeached, leaf: int) -> None:
    """The replay against numbers of the test's own."""
    sums = sums_at(voided.played, leaf)
    assert found.found.leaf == leaf
    assert found.weight == sum(voided.played.weights) and found.limit == found.weight * BOUND
    assert found.sums.tolist() == sums.tolist()
    assert list(found.outside) == [at for at, total in enumerate(sums) if abs(total) > found.limit]
    at = found.outside[0]
    column = found.column(at)
    masked = [int.from_bytes(own[leaf][4 * at : 4 * at + 4], signed=True) for own in voided.played.sent]
    assert [value for value, _ in column] == masked
    assert column[0][1] == masked[0] and column[-1][1] == sums[at]


def test_from_the_calls(voided: Voided) -> None:
    found = voided.replayed(voided.case())
    check(voided, found, LEAF)
    assert voided.calls > 2
    assert [part.name for part in found.found.calls] == ["carry"] * (voided.calls - 1) + ["impeach"]
    assert found.found.leaf_is_known and {share.source for share in found.found.shares} == {Source.CALLDATA}
    assert found.found.calls[-1].call.sender == voided.made.clients[0].address
    eth = voided.made.federation.chain.web3.eth
    receipts = [eth.get_transaction_receipt("0x" + part.call.tx.hex()) for part in found.found.calls]
    assert found.found.gas == sum(receipt["gasUsed"] for receipt in receipts)


def test_where_no_transaction_shows_the_proof_the_store_does(voided: Voided) -> None:
    federation = voided.made.federation
    other = federation.transact(federation.token.functions.approve(voided.made.clients[0].address, 1))
    found = voided.replayed(replace(voided.case(), tx=bytes(other["transactionHash"])), garbage=1)
    check(voided, found, 1)
    assert not found.found.leaf_is_known and {share.source for share in found.found.shares} == {Source.STORE}
    assert [(part.name, part.start) for part in found.found.calls] == [("impeach", None)]


def test_altered_evidence_does_not_pass(voided: Voided) -> None:
    what = voided.case()
    given = voided.replayed(what).found
    assert given.kept is not None
    first, *others = given.shares
    changed = first.opening.leaf[:-1] + bytes([first.opening.leaf[-1] ^ 1])
    altered = {
        "a leaf": replace(given, shares=(replace(first, opening=replace(first.opening, leaf=changed)), *others)),
        "a path": replace(given, shares=(replace(first, opening=replace(first.opening, path=())), *others)),
        "a client left out": replace(given, shares=tuple(others)),
        "another leaf": replace(given, leaf=LEAF - 1),
        "no such leaf": replace(given, leaf=LEAVES),
        "the carried sums": replace(given, kept=replace(given.kept, values=bytes(4 * K))),
    }
    for name, evidence in altered.items():
        with pytest.raises(ReplayError):
            raise AssertionError(f"{name}: {impeached(voided.rule, voided.reader.config, what.inputs, evidence)}")


def test_honest_sums_are_no_garbage(voided: Voided) -> None:
    """Of the next round, by the leaves that the store serves."""
    voided.made.play(2)
    inputs, tx = voided.inputs(2), voided.case().tx
    last = Part(read_call(voided.coordinator, tx), "impeach", None, len(inputs.updates))
    found = voided.reader.served(LEAF, last, replace(voided.case(), inputs=inputs), report())
    with pytest.raises(ReplayError, match="all sums at leaf 3 are within the range"):
        impeached(voided.rule, voided.reader.config, inputs, found)
