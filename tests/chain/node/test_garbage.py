"""A masked round whose updates add up to garbage, as nodes see it: none trains on it or proposes, one makes it void."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from fednode.daemon.action_context import Tools
from fednode.daemon.actions import registry as do
from fednode.daemon.decide import candidates
from fednode.daemon.facts import Facts
from fednode.daemon.journal_facts import Memory
from fedprotocol.chain.read.snapshot import Snapshot, take_snapshot
from fedprotocol.store.open import open_store
from fedprotocol.tree import TreeShape
from fedprotocol.types import Phase, VoidReason
from support.evm import Anvil
from support.live_federation import directory_url
from support.masked_clients import MaskedFederation
from support.node_facts import node_facts
from support.synthetic import SyntheticClient

WINDOW = 100


class Reader:
    """The part of a node that reads rounds: its memory, its store and its transactions."""

    def __init__(self, made: MaskedFederation, client: SyntheticClient, folder: Path) -> None:
        self.made, self.client, self.folder = made, client, folder
        peers = [directory_url(path) for path in made.stores]
        self.store = open_store(directory_url(folder / "store"), folder / "cache", peers)
        self.memory = Memory(client.journal)

    @property
    def tools(self) -> Tools:
        known = SimpleNamespace(
            coordinator=self.made.coordinator,
            sender=self.client.sender,
            store=self.store,
            memory=self.memory,
            config=SimpleNamespace(globals=self.folder / "globals"),
            spec=SimpleNamespace(layout=SimpleNamespace(global_shape=TreeShape(5, 4 * 32))),
        )
        return cast(Tools, known)

    def look(self, **facts: object) -> tuple[Snapshot, Facts]:
        snapshot = take_snapshot(self.made.coordinator, self.client.address)
        garbage = self.memory.garbage_in(snapshot)
        return snapshot, node_facts(
            **{"fetched": {0: self.made.federation.genesis.root}, **facts},
            recomputed=self.memory.recomputed(snapshot),
            garbage=garbage,
            impeachable=garbage & self.memory.impeachments.keys(),
        )

    def due(self, **facts: object) -> list[do.Action]:
        """What it would do with rounds."""
        kinds = (do.Recompute, do.Propose, do.Impeach, do.Train, do.FetchGlobal)
        return [action for action in candidates(*self.look(**facts)) if isinstance(action, kinds)]

    def recompute(self) -> None:
        snapshot, facts = self.look()
        [work] = [action for action in self.due() if isinstance(action, do.Recompute)]
        work.ended(self.tools, work.job(self.tools, snapshot, facts)(threading.Event()), snapshot)

    def impeach(self) -> None:
        snapshot, facts = self.look()
        [action] = [action for action in self.due() if isinstance(action, do.Impeach)]
        action.send(self.tools, snapshot, facts)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[MaskedFederation]:
    with Anvil() as chain:
        made = MaskedFederation(chain, tmp_path, clients=3, minWindow=WINDOW, challengeLength=WINDOW)
        yield made
        made.close()


@pytest.fixture
def readers(made: MaskedFederation, tmp_path: Path) -> list[Reader]:
    return [Reader(made, client, tmp_path / f"reader-{at}") for at, client in enumerate(made.clients)]


def test_garbage_is_made_void_by_the_node_whose_turn_comes_first(
    made: MaskedFederation, readers: list[Reader], caplog: pytest.LogCaptureFixture
) -> None:
    made.play(1, garbage_from=1)
    for reader in readers:
        reader.recompute()
    assert caplog.text.count("GARBAGE: the sum of all updates at leaf 0 is out of range") == 3
    first = [reader for reader in readers if reader.due()]
    assert [reader.due() for reader in first] == [[do.Impeach(1)]], "the others wait for their turn"
    made.federation.pass_time(WINDOW // 2)
    assert all(reader.due(propose_after=0) == [do.Impeach(1)] for reader in readers), "and nobody proposes"
    first[0].impeach()
    view = made.coordinator.round_view(1)
    assert (view.phase, view.void_reason) == (Phase.VOID, VoidReason.GARBAGE)
    assert {type(action) for reader in readers for action in reader.due()} <= {do.Train}
    second = next(reader for reader in readers if reader is not first[0])
    sent = made.coordinator.web3.eth.get_transaction_count(second.client.account.address)
    do.Impeach(1).send(second.tools, *second.look())
    assert made.coordinator.web3.eth.get_transaction_count(second.client.account.address) == sent, "done already"


def test_a_node_that_restarts_makes_the_proof_again(made: MaskedFederation, readers: list[Reader]) -> None:
    made.play(1, garbage_from=0)
    node = readers[2]
    node.recompute()
    node.memory = Memory(node.client.journal)
    made.federation.pass_time(WINDOW // 2)
    assert [type(action) for action in node.due()] == [do.Recompute]
    node.recompute()
    node.impeach()
    assert made.federation.phase(1) is Phase.VOID


def test_what_failed_is_proved_anew(made: MaskedFederation, readers: list[Reader]) -> None:
    made.play(1, garbage_from=0)
    node = readers[0]
    node.recompute()
    snapshot, _ = node.look()
    do.Impeach(1).failed(node.tools, OSError("the chain's node is gone"), snapshot)
    assert [type(action) for action in node.due()] == [do.Recompute]


def test_nobody_trains_on_garbage_that_became_final(made: MaskedFederation, readers: list[Reader]) -> None:
    """Nobody looked in time. A restart does not forget it."""
    played = made.play(1, garbage_from=2)
    node = readers[0]
    node.recompute()
    made.clients[1].propose(1, played.right())
    made.federation.pass_time(10_000)
    assert made.federation.phase(1) is Phase.FINAL
    for _ in range(2):
        assert [type(action) for action in node.due()] == [do.FetchGlobal]
        held = {1: made.coordinator.latest_final()[1]}
        assert [action for action in node.due(fetched=held) if isinstance(action, do.Train)] == []
        node.memory = Memory(node.client.journal)


def test_other_inputs_after_a_reorg_are_no_garbage(made: MaskedFederation, readers: list[Reader]) -> None:
    """Also when the round is so old that no snapshot shows it."""
    made.play(1, garbage_from=0)
    node = readers[0]
    node.recompute()
    snapshot, _ = node.look()
    later = replace(snapshot, rounds=())
    assert node.memory.garbage_in(later) == {1}
    node.memory.note_recomputed(1, "other inputs", bytes(32))
    for memory in (node.memory, Memory(node.client.journal)):
        assert node.memory.garbage_in(later) == memory.garbage_in(later) == frozenset()


def test_an_honest_round_is_recomputed_from_what_hides_every_update(
    made: MaskedFederation, readers: list[Reader]
) -> None:
    played = made.play(1)
    readers[0].recompute()
    made.clients[1].propose(1, played.right())
    [proposal] = made.coordinator.proposals(1)
    assert readers[0].memory.recomputed(readers[0].look()[0]) == {1: proposal.root}
