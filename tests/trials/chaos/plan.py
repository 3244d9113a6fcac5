"""What is done to whom and when: from a seed, before anything starts. The same seed is the same plan."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

GAP = 5.0  # seconds between two injuries, on average
LONGEST = 20.0  # seconds that one lasts
DEEPEST = 10  # blocks


class Kind(StrEnum):
    """What can be done. Each value says what it is."""

    KILL = "kill -9"
    KILL_KUBO = "kill -9 of Kubo"
    PAUSE = "SIGSTOP"
    RPC_DOWN = "RPC cuts connections"
    RPC_LOST = "RPC acts and does not answer"
    RPC_SLOW = "RPC is slow"
    RPC_ERROR = "RPC answers 500"
    RPC_GARBAGE = "RPC answers garbage"
    RPC_STALE = "RPC shows old blocks"
    REORG = "re-org"
    STORE_DOWN = "IPFS cuts connections"
    STORE_SLOW = "IPFS is slow"
    STORE_ERROR = "IPFS answers 500"
    STORE_WRONG = "IPFS serves wrong bytes"
    DISK_FULL = "disk full"
    CLOCK = "clock an hour off, after a kill -9"
    VANISH = "the aggregator is gone for a phase"


OFTEN = {
    Kind.KILL: 14,
    Kind.KILL_KUBO: 2,
    Kind.PAUSE: 3,
    Kind.REORG: 3,
    Kind.CLOCK: 1,
}  # how many times as often as any other kind
PHASES = ("train", "reveal", "attest", "aggregate", "challenge")  # in which the aggregator vanishes, in turn


@dataclass(frozen=True)
class Injury:
    """`at`: seconds after the start. `victim`: a program's name. `lasts`: seconds. `amount`: blocks of a re-org or that
    an RPC is behind, seconds that a clock is off; of VANISH the phase's place in PHASES."""

    at: float
    kind: Kind
    victim: str
    lasts: float
    amount: int = 0


def plan(seed: int, programs: Sequence[str], aggregator: str, kinds: Sequence[Kind] = tuple(Kind)) -> Iterator[Injury]:
    """Injuries without end, in the order of their time. `programs` are all that may be a victim."""
    rng = random.Random(seed)
    at, vanished = 0.0, 0
    while True:
        at += rng.expovariate(1 / GAP)
        [kind] = rng.choices(kinds, [OFTEN.get(kind, 1) for kind in kinds])
        victim, lasts, depth = rng.choice(programs), rng.uniform(1, LONGEST), rng.randint(1, DEEPEST)
        amount = {
            Kind.REORG: depth,
            Kind.RPC_STALE: depth,
            Kind.CLOCK: rng.choice((-3600, 3600)),
            Kind.VANISH: vanished % len(PHASES),
        }.get(kind, 0)
        if kind is Kind.VANISH:
            victim, vanished = aggregator, vanished + 1
        yield Injury(round(at, 2), kind, victim, round(lasts, 2), amount)
