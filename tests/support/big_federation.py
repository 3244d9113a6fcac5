"""Federations of many rounds and clients on a real anvil, in which everything happens now and then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fedprotocol.store.directory import DirectoryStore
from fedprotocol.types import Phase
from support.evm import Anvil
from support.live_federation import TOKEN
from support.played.content import Landscape
from support.played.federation import Client, PlayedFederation
from support.played.history import History
from support.played.plan import Plan

LEAF_VALUES, LEAVES = 64, 4
BLOCKS_OF_A_STEP = 4
OTHERS = 9  # accounts that are no clients
SPARE = 4  # clients without a seat at first


@contextmanager
def quick_chain(clients: int, now: int) -> Iterator[Anvil]:
    """A chain with accounts enough, which begins in time to have played its rounds by `now`, seconds since 1970.

    It forks another one, because anvil computes the root of its whole state for every block of a chain that does not:
    after a hundred thousand transactions that takes longer than everything else.
    """
    options = ["--accounts", str(clients + SPARE + OTHERS), "--gas-limit", "1000000000", "--prune-history"]
    with Anvil("--timestamp", str(now)) as below, Anvil("--fork-url", below.url, *options) as chain:
        yield chain


class BigFederation:
    """`rounds` rounds of `clients` clients. Rounds from `published` on have their content in `store`."""

    def __init__(
        self, chain: Anvil, rounds: int, clients: int, store: DirectoryStore | None = None, published: int = 1
    ) -> None:
        self.rounds, self.size = rounds, clients
        landscape = Landscape([(LEAVES * LEAF_VALUES, 0.02)], clients + SPARE, pace=min(0.4, 4 / rounds), seed=clients)
        self.federation = PlayedFederation(
            chain,
            landscape,
            clients=clients + SPARE,
            per_block=-(-clients // BLOCKS_OF_A_STEP),
            store=store,
            publishes=lambda number: number >= published,
            leafValues=LEAF_VALUES,
            maxClients=min(256, clients + SPARE),
            totalRounds=rounds + 1,
        )
        self.history = History(self.federation)

    def play(self, told: Callable[[int], None] = lambda _: None) -> None:
        """Everything; the last round is left in Train. `told` hears of every round that was begun."""
        f = self.federation
        f.fund(self.rounds + 1)
        f.provide_bonds()
        f.join(f.clients[: self.size])
        while (number := len(self.history.rounds) + 1) <= self.rounds:
            self.history.play(self.plan(number), self.plan(number + 1))
            self._move_people(number)
            told(number)
        self.history.play(until=Phase.TRAIN)

    def plan(self, number: int) -> Plan:
        """Something goes wrong in every second round."""
        some = sorted({(number * step) % self.size for step in (3, 5, 7)})
        many = range(0, self.size, 2)
        kinds = {
            2: Plan(mute=some[:1]),
            4: Plan(refused=some[:1]),
            6: Plan(lies=1),
            8: Plan(absent=some),
            10: Plan(hidden=some[:1], lies=2, carried=True),
            11: Plan(misled=some[:2]),
            12: Plan(divided=True),
            14: Plan(late_lie=True, mute=some),
            16: Plan(hidden=many),
            18: Plan(absent=range(1, self.size)),
            20: Plan(lies=3, refused=some[:1]),
            22: Plan(abandoned=True),
        }
        return kinds.get(number % 25, Plan())

    def _move_people(self, number: int) -> None:
        """Those who were suspended add stake, some take what they are owed, and now and then one leaves for another."""
        f = self.federation
        for client in [c for c in f.clients if c.suspended]:
            f.add_stake(client, 500 * TOKEN)
        f.claim([f.clients[(number * 5) % self.size].address, f.watchtower, f.aggregator])
        if number % 20 == 0:
            self._replace(f.clients[(number // 20) % self.size])

    def _replace(self, client: Client) -> None:
        f = self.federation
        waiting = [c for c in f.clients if not c.seated and c is not client]
        if client.seated:
            f.leave(client)
        if waiting:
            f.join(waiting[:1])
