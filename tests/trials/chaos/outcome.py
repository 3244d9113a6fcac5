"""What came out: read off the chain, the journals and the logs, once all is calm again."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from attacks import balances
from fedprotocol.chain.errors import show
from fedprotocol.chain.read.events import scan
from fedprotocol.types import Phase

from chaos.plan import Kind
from chaos.world import World


@dataclass
class Done:
    """What was done, by the driver's own count.

    `recoveries`: seconds from the end of an injury until its victim had read the chain again, by kind. `vanished`: the
    phases without the aggregator. `restarts`: programs that ended with a word on what was injured just then; `ended`:
    with last words, those that ended for any other reason.
    """

    seconds: float = 0.0
    injuries: Counter[Kind] = field(default_factory=Counter)
    felt: int = 0  # requests that met a fault
    vanished: set[str] = field(default_factory=set)
    recoveries: dict[Kind, list[float]] = field(default_factory=dict)
    restarts: int = 0
    ended: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        return sum(self.injuries[kind] for kind in (Kind.KILL, Kind.KILL_KUBO, Kind.CLOCK, Kind.VANISH))


@dataclass(frozen=True)
class Outcome:
    """`voids`: reason -> rounds. `rejected`: honest updates revealed and not accepted. `payouts`: what parties
    have more or less than the rules give them, in token units. `broken`: what should never be."""

    final: int
    voids: Mapping[str, int]
    penalties: int
    rejected: int
    payouts: Mapping[str, int]
    broken: Sequence[str]

    @property
    def is_good(self) -> bool:
        return not (self.penalties or self.payouts or self.broken)


def take_stock(world: World, stopped: Mapping[str, int | None]) -> Outcome:
    """Once all programs are stopped; `stopped`: their exit statuses."""
    coordinator, chain = world.coordinator, world.chain
    chain.rpc("evm_setAutomine", True)
    final, voids, rejected, broken = 0, Counter[str](), 0, []
    for number in range(1, coordinator.last_opened() + 1):
        view = coordinator.round_view(number)
        if view.phase is Phase.VOID:
            voids[show(view.void_reason)] += 1
        if view.phase is not Phase.FINAL:
            continue
        final += 1
        if view.global_root != world.observer.right(number).root:
            broken.append(f"a wrong global is final in round {number}")
        for i, update in enumerate(coordinator.updates(number)):
            if not view.accepted_mask >> i & 1:
                rejected += 1
                if update.attested:  # the books take it for harm; here its content was what was injured
                    party = next(p for p in world.books.parties if update.client in p.addresses)
                    party.due -= balances.share(coordinator, number, update.client)
    accounts = world.books.close()
    try:
        world.books.check_balance()
    except AssertionError as error:
        broken.append(str(error))
    penalties = list(scan(coordinator, 0, chain.web3.eth.block_number, ("Penalized",)))
    broken += [f"{name} ended with {code} when told to stop" for name, code in stopped.items() if code != 0]
    broken += [problem for name in world.names for problem in _of_program(world, name)]
    return Outcome(
        final=final,
        voids=voids,
        penalties=len(penalties),
        rejected=rejected,
        payouts={account.name: -account.lost for account in accounts if account.lost},
        broken=broken,
    )


def _of_program(world: World, name: str) -> list[str]:
    program, found = world.programs[name], []
    said = program.log.read_text(errors="replace")
    traces = said.count("Traceback (most recent call last)") + said.count("error: unexpected")
    if traces:
        found.append(f"{name} met {traces} unexpected errors, see {program.log}")
    with sqlite3.connect(program.home / "journal.sqlite") as journal:
        [verdict] = journal.execute("PRAGMA integrity_check").fetchone()
    if verdict != "ok":
        found.append(f"the journal of {name} is damaged: {verdict}")
    return found
