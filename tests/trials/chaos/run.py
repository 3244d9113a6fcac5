"""Injures a world by a plan, watches what becomes of it, and lets it come to rest."""

from __future__ import annotations

import heapq
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict

from fedprotocol.store.base import StoreError
from fedprotocol.types import Phase

from chaos.injuries import Undo, inflict, is_due, phases
from chaos.outcome import Done, Outcome, take_stock
from chaos.plan import PHASES, Injury, Kind
from chaos.world import World

TICK = 0.1  # seconds
RESTART = 2.0  # seconds after which a program that ended is started again, as systemd does
JUST_NOW = 10.0  # seconds for which what a program says of an injury may come after its end
ARMED = 120.0  # seconds that a VANISH waits for its phase
CALM = 600.0  # seconds until a round must be final once nothing is injured any more
UNSEEN = (Kind.KILL_KUBO, Kind.STORE_DOWN, Kind.STORE_SLOW, Kind.STORE_ERROR, Kind.STORE_WRONG)  # no recovery to see
Say = Callable[[str], None]


class Chaos:
    """`plan`: injuries in time. `say`: where lines for people go."""

    def __init__(self, world: World, plan: Iterator[Injury], seed: int, say: Say) -> None:
        self.done = Done()
        self._world = world
        self._plan = plan
        self._rng = random.Random(seed)
        self._say = say
        self._next = next(plan)
        self._armed: list[Injury] = []
        self._undo: list[tuple[float, int, Injury, Undo]] = []  # a heap: when, which
        self._count = 0
        self._recovering: dict[str, tuple[float, int, Kind]] = {}  # by program: when the injury ended, chain time then
        self._restart: dict[str, float] = {}
        self._hurt: dict[str, float] = {}  # by program: when its last injury ended
        self._settled = 0
        self._unchecked: set[int] = set()
        self._log = (world.folder / "injuries.jsonl").open("w")
        self._begun = time.monotonic()

    def run(self, rounds: int, kills: int, seconds: float) -> Outcome:
        """Until `rounds` are settled and `kills` done. Raises AssertionError if it takes longer than `seconds`, or if
        no round becomes final once all is calm."""
        while self._settled < rounds or self.done.kills < kills:
            assert self._now() < seconds, f"after {seconds:.0f} s: {self._settled} rounds, {self.done.kills} kills"
            self._tick(injure=True)
        return self._come_to_rest()

    def _come_to_rest(self) -> Outcome:
        """Nothing is injured any more: a later round must become final; then all programs are told to stop."""
        world = self._world
        self.done.seconds = self._now()
        for _, _, injury, undo in sorted(self._undo, key=lambda entry: entry[:2]):
            self._end(injury, undo)
        self._undo.clear()
        self._armed.clear()
        self._say("calm")
        target, deadline = world.coordinator.latest_final()[0] + 1, self._now() + CALM
        while world.coordinator.latest_final()[0] < target or self._recovering or self._unchecked:
            assert self._now() < deadline, f"no round became final within {CALM:.0f} s of calm, see {world.folder}"
            self._tick(injure=False)
        self.done.felt = sum(proxy.felt for proxy in (*world.rpc.values(), *world.ipfs.values()))
        self._log.close()
        stopped = {name: program.stop() for name, program in world.programs.items()}
        return take_stock(world, stopped)

    def _now(self) -> float:
        return time.monotonic() - self._begun

    def _tick(self, injure: bool) -> None:
        while self._undo and self._undo[0][0] <= self._now():
            _, _, injury, undo = heapq.heappop(self._undo)
            self._end(injury, undo)
        while injure and self._next.at <= self._now():
            self._armed.append(self._next)
            self._next = next(self._plan)
        for injury in list(self._armed):
            if is_due(self._world, injury):
                self._armed.remove(injury)
                self._begin(injury)
            elif self._now() > injury.at + ARMED:
                self._armed.remove(injury)
        self._watch_programs()
        self._watch_rounds()
        time.sleep(TICK)

    # --------------------------------------------------------------- injuring

    def _begin(self, injury: Injury) -> None:
        now = phases(self._world)
        undo = inflict(self._world, injury, self._rng)
        if undo is None:
            return
        self.done.injuries[injury.kind] += 1
        self._log.write(json.dumps({**asdict(injury), "done": round(self._now(), 2), "phases": now}) + "\n")
        self._log.flush()
        if injury.kind is Kind.VANISH:
            self.done.vanished.add(PHASES[injury.amount])
        for victim in self._victims(injury):
            self._recovering.pop(victim, None)
        self._count += 1
        heapq.heappush(self._undo, (self._now() + self._lasts(injury), self._count, injury, undo))

    def _lasts(self, injury: Injury) -> float:
        match injury.kind:
            case Kind.REORG:
                return 0.0
            case Kind.KILL | Kind.CLOCK:
                return injury.lasts / 6
            case Kind.VANISH:
                return 3 * injury.lasts
        return injury.lasts

    def _victims(self, injury: Injury) -> list[str]:
        return list(self._world.programs) if injury.kind is Kind.REORG else [injury.victim]

    def _end(self, injury: Injury, undo: Undo) -> None:
        undo()
        injured, time_then = {other.victim for _, _, other, _ in self._undo}, self._chain_time()
        for victim in self._victims(injury):
            self._hurt[victim] = self._now()
            if injury.kind not in UNSEEN and victim not in injured:
                self._recovering[victim] = (self._now(), time_then, injury.kind)

    def _chain_time(self) -> int:
        return int(self._world.chain.web3.eth.get_block("latest")["timestamp"])

    # --------------------------------------------------------------- watching

    def _watch_programs(self) -> None:
        injured = {other.victim for _, _, other, _ in self._undo}
        for name, program in self._world.programs.items():
            if program.code is not None and name not in self._restart:
                is_injured = name in injured or self._now() < self._hurt.get(name, -JUST_NOW) + JUST_NOW
                self._note_end(name, program.code, is_injured)
                self._restart[name] = self._now() + RESTART
            if name in self._restart and self._now() > self._restart[name]:
                del self._restart[name]
                program.start()
            if name in self._recovering:
                since, time_then, kind = self._recovering[name]
                if program.chain_time() >= time_then:
                    del self._recovering[name]
                    self.done.recoveries.setdefault(kind, []).append(self._now() - since)

    def _note_end(self, name: str, code: int, injured: bool) -> None:
        """To give up at the start with a word on what is missing is right, if it is; a service manager tries again."""
        words = self._world.programs[name].log.read_text(errors="replace").splitlines()[-1:]
        said = f"{name} ended with {code}: {''.join(words)}"
        self._say(said)
        if injured and code == 1 and words and words[0].startswith("error: "):
            self.done.restarts += 1
        else:
            self.done.ended.append(said)

    def _watch_rounds(self) -> None:
        coordinator = self._world.coordinator
        last = coordinator.last_opened()
        settled = sum(coordinator.round_view(n).phase.settled for n in range(max(1, last - 1), last + 1))
        settled += max(0, last - 2)
        for number in range(self._settled + 1, settled + 1):
            view = coordinator.round_view(number)
            self._say(
                f"round {number} {view.phase.name.lower()} after {self._now():.0f} s: {self.done.kills} kills, "
                f"{self.done.injuries.total()} injuries"
            )
            if view.phase is Phase.FINAL:
                self._unchecked.add(number)
        self._settled = max(settled, self._settled)
        for number in sorted(self._unchecked)[:1]:
            try:
                self._world.observer.right(number)  # read while the round's content is there; compared at the end
            except StoreError:
                continue
            self._unchecked.discard(number)
