"""How each injury is done, and undone."""

from __future__ import annotations

import random
from collections.abc import Callable

from fedprotocol.types import Phase

from chaos.faults import Down, Fault, Garbage, LostAnswer, ServerError, Slow, Stale, WrongBytes
from chaos.plan import PHASES, Injury, Kind
from chaos.world import World

Undo = Callable[[], None]
BALLAST = "ballast"
CHUNK = 1 << 16  # bytes


def inflict(world: World, injury: Injury, rng: random.Random) -> Undo | None:
    """Do it; returns how it ends. None: nothing to do it to just now (the program is not running)."""
    kind, program = injury.kind, world.programs[injury.victim]
    match kind:
        case Kind.REORG:
            world.chain.rpc("anvil_reorg", injury.amount, [])
            return _nothing
        case Kind.KILL_KUBO:
            return _kill_kubo(world, injury.victim)
        case Kind.DISK_FULL:
            return _fill(world, injury.victim) if world.small_disks else None
        case _ if kind.name.startswith("RPC"):
            world.rpc[injury.victim].fault = _fault(injury, rng)
            return lambda: setattr(world.rpc[injury.victim], "fault", None)
        case _ if kind.name.startswith("STORE"):
            world.ipfs[injury.victim].fault = _fault(injury, rng)
            return lambda: setattr(world.ipfs[injury.victim], "fault", None)
    if not program.runs or program.is_held:
        return None
    match kind:
        case Kind.PAUSE:
            program.hold()
            return program.release
        case Kind.KILL | Kind.VANISH:
            program.kill()
            return program.start
        case Kind.CLOCK:
            program.kill()
            return lambda: program.start(skew=injury.amount)
    raise AssertionError(f"nobody knows how to do {kind}")


def is_due(world: World, injury: Injury) -> bool:
    """The aggregator vanishes when a round is in the phase that the plan names."""
    return injury.kind is not Kind.VANISH or PHASES[injury.amount] in phases(world)


def phases(world: World) -> list[str]:
    """Of the last two rounds, the older first; Waiting is a part of Train."""
    last = world.coordinator.last_opened()
    now = [world.coordinator.round_view(number).phase for number in range(max(1, last - 1), last + 1)]
    return [{Phase.WAITING: "train"}.get(phase, phase.name.lower()) for phase in now]


def _fault(injury: Injury, rng: random.Random) -> Fault:
    match injury.kind:
        case Kind.RPC_DOWN | Kind.STORE_DOWN:
            return Down()
        case Kind.RPC_LOST:
            return LostAnswer()
        case Kind.RPC_SLOW | Kind.STORE_SLOW:
            return Slow(rng.uniform(0.5, 3))
        case Kind.RPC_ERROR | Kind.STORE_ERROR:
            return ServerError()
        case Kind.RPC_GARBAGE:
            return Garbage(rng)
        case Kind.STORE_WRONG:
            return WrongBytes(rng)
        case Kind.RPC_STALE:
            return Stale(injury.amount)
    raise AssertionError(f"{injury.kind} is no fault of a server")


def _kill_kubo(world: World, name: str) -> Undo | None:
    daemon = world.kubos.daemons[name]
    if daemon.pid is None:
        return None
    daemon.kill()

    def start() -> None:
        daemon.start()

    return start


def _fill(world: World, name: str) -> Undo:
    ballast = world.disk(name) / BALLAST
    try:
        with ballast.open("ab", buffering=0) as file:
            while file.write(bytes(CHUNK)) == CHUNK:
                pass
    except OSError:  # full
        pass
    return lambda: ballast.unlink(missing_ok=True)


def _nothing() -> None:
    return None
