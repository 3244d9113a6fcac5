"""A seat that has gone silent, on a real chain: three rounds wait for it, then a node frees it, and no sooner."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fednode.daemon.action_context import Tools
from fednode.daemon.actions import registry as do
from fednode.daemon.actions.action import Overtaken
from fednode.daemon.decide import candidates
from fedprotocol.chain.read.snapshot import Snapshot, take_snapshot
from fedprotocol.types import Phase
from support.evm import Anvil
from support.live_federation import TOKEN, LiveFederation
from support.node_facts import node_facts
from support.synthetic import SyntheticClient

TRAIN, WINDOW = 3600, 50
STAKE = 1_000 * TOKEN


class Rounds:
    """Two clients that do all they should, and others that they wait for."""

    def __init__(self, chain: Anvil, folder: Path) -> None:
        self.federation = LiveFederation(
            chain, trainLength=TRAIN, challengeLength=WINDOW, minWindow=WINDOW, minClients=1, totalRounds=9
        )
        self.coordinator = self.federation.coordinator
        self.alive = [SyntheticClient(self.federation, folder / f"alive-{seed}", seed) for seed in range(2)]
        self.silent = SyntheticClient(self.federation, folder / "silent", 9)
        for client in (*self.alive, self.silent):
            client.join()

    def train(self, *clients: SyntheticClient) -> float:
        """All commit; returns how long Train lasted for them, in seconds, waited for if it must be."""
        number, prior = self.coordinator.last_opened() + 1, self.coordinator.latest_final()[1]
        for client in clients:
            client.commit(number, prior)
        view = self.coordinator.round_view(number)
        if view.phase is Phase.TRAIN:
            self.federation.chain.set_time(view.phase_end)
        return self.coordinator.round_view(number).phase_start - view.opened_at

    def finish(self, *clients: SyntheticClient) -> None:
        """The round that is in Reveal becomes final."""
        number = self.coordinator.last_opened()
        for client in clients:
            client.reveal(number)
        for client in clients:
            client.attest(number)
        view = self.coordinator.round_view(number)
        digests = [bytes([number, leaf]) * 16 for leaf in range(5)]
        proposer = clients[0]
        self.coordinator.token.ensure_allowance(proposer.sender, self.coordinator.address, 50 * TOKEN)
        call = self.coordinator.calls.propose(number, view.inputs_hash, view.accepted_mask, 0, digests)
        proposer.sender.send(call, "propose")
        self.federation.pass_time(WINDOW + 1)
        assert self.federation.phase(number) is Phase.FINAL

    def look(self, client: SyntheticClient) -> tuple[Snapshot, list[do.Action]]:
        """What the client's node sees, and what it would do about silent seats when its turn has come."""
        snapshot = take_snapshot(self.coordinator, client.address)
        found = candidates(snapshot, node_facts())
        return snapshot, [action for action in found if isinstance(action, do.Drop | do.Suspend)]

    def act(self, client: SyntheticClient, snapshot: Snapshot, action: do.Action) -> None:
        tools = SimpleNamespace(sender=client.sender, coordinator=self.coordinator)
        assert isinstance(action, do.ChainAction)
        action.send(cast(Tools, tools), snapshot, node_facts())

    def close(self) -> None:
        for client in (*self.alive, self.silent):
            client.close()


@pytest.fixture
def rounds(tmp_path: Path) -> Any:
    with Anvil() as chain:
        made = Rounds(chain, tmp_path)
        yield made
        made.close()


def test_a_silent_seat_costs_three_times_train_and_no_more(rounds: Rounds) -> None:
    alive, silent = rounds.alive, rounds.silent
    for number in (1, 2):
        assert rounds.train(*alive) >= TRAIN, number
        assert not rounds.look(alive[0])[1], "it may still come back"
        rounds.finish(*alive)
        rounds.federation.pass_time(300)  # everybody's turn
        assert not rounds.look(alive[0])[1], "nor before it has missed another Train"
    assert rounds.train(*alive) >= TRAIN
    rounds.federation.pass_time(300)  # everybody's turn
    views = [rounds.look(client) for client in alive]
    assert [found for _, found in views] == [[do.Drop(3, silent.address)]] * 2
    (first, [drop]), (second, _) = views
    rounds.act(alive[0], first, drop)
    assert silent.address not in rounds.coordinator.clients()
    with pytest.raises(Overtaken, match="somebody else was quicker"):
        rounds.act(alive[1], second, drop)
    assert not rounds.look(alive[1])[1]
    rounds.finish(*alive)
    assert rounds.train(*alive) < 60, "nobody is waited for"
    before = rounds.coordinator.token.balance_of(silent.address)
    silent.sender.send(rounds.coordinator.calls.withdraw(), "withdraw")
    assert rounds.coordinator.token.balance_of(silent.address) == before + STAKE, "its stake is its own"


def test_a_site_that_comes_back_in_time_keeps_its_seat(rounds: Rounds) -> None:
    """Its last moment is the end of the third Train, however quick all others are."""
    alive, late = rounds.alive, rounds.silent
    for _ in range(2):
        assert rounds.train(*alive) >= TRAIN
        rounds.finish(*alive)
    number, prior = rounds.coordinator.last_opened() + 1, rounds.coordinator.latest_final()[1]
    for client in alive:
        client.commit(number, prior)
    end = rounds.coordinator.round_view(number).phase_end
    rounds.federation.chain.set_time(end - 30)
    late.commit(number, prior)
    rounds.federation.pass_time(300)
    snapshot, found = rounds.look(alive[0])
    assert not found and not snapshot.droppable
    rounds.finish(*alive, late)
    assert rounds.train(*alive, late) < 60


def test_who_did_not_reveal_is_suspended_once_it_is_silent(rounds: Rounds) -> None:
    alive, lost = rounds.alive, rounds.silent
    rounds.train(*alive, lost)
    rounds.federation.chain.set_time(rounds.coordinator.round_view(1).phase_start + 1)
    for client in alive:
        client.reveal(1)
    rounds.federation.chain.set_time(rounds.coordinator.round_view(1).phase_end)
    for client in alive:
        client.attest(1)
    view = rounds.coordinator.round_view(1)
    proposer = alive[0]
    rounds.coordinator.token.ensure_allowance(proposer.sender, rounds.coordinator.address, 50 * TOKEN)
    digests = [bytes([leaf]) * 32 for leaf in range(5)]
    call = rounds.coordinator.calls.propose(1, view.inputs_hash, view.accepted_mask, 0, digests)
    proposer.sender.send(call, "propose")
    rounds.federation.pass_time(WINDOW + 1)
    assert not rounds.look(alive[0])[1], "it may still come back"
    assert rounds.train(*alive) >= TRAIN, "nothing is applied to it yet, so it is waited for"
    rounds.federation.pass_time(300)
    snapshot, found = rounds.look(alive[0])
    assert found == [do.Suspend(2, lost.address)]
    assert rounds.coordinator.seat(lost.address).stake == STAKE
    rounds.act(alive[0], snapshot, found[0])
    seat = rounds.coordinator.seat(lost.address)
    assert seat.stake == STAKE - 100 * TOKEN and not seat.active_in(3) and not seat.exited
    assert not rounds.look(alive[1])[1]
    rounds.finish(*alive)
    assert rounds.train(*alive) < 60, "it is not waited for"
