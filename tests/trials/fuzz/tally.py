"""What a worker counts, in a file that outlives it: libFuzzer ends its process without leave."""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

from fuzz.judge import RESIDENT, Outcome
from fuzz.target import Linear, Target

_COUNTS = struct.Struct(">Qddd")


@dataclass
class Counts:
    """Inputs that were no errors, and the largest shares of the bounds that an input used."""

    accepted: int = 0
    memory: float = 0.0
    resident: float = 0.0
    seconds: float = 0.0


class Tally:
    """The counts of one worker, kept in the new file `path`."""

    def __init__(self, target: Target, path: Path) -> None:
        self._target = target
        self._counts = Counts()
        path.write_bytes(bytes(_COUNTS.size))
        with path.open("r+b") as file:
            self._file = mmap.mmap(file.fileno(), _COUNTS.size)

    def saw(self, outcome: Outcome, size: int) -> None:
        now = self._counts
        now.accepted += outcome.accepted
        now.memory = max(now.memory, share(outcome.peak, self._target.memory, size))
        now.resident = max(now.resident, share(outcome.resident, RESIDENT, size))
        now.seconds = max(now.seconds, share(outcome.seconds, self._target.seconds, size))
        _COUNTS.pack_into(self._file, 0, now.accepted, now.memory, now.resident, now.seconds)


def counted(path: Path) -> Counts:
    """What a worker counted, whether it still runs or not; zeros if it did not come so far."""
    return Counts(*_COUNTS.unpack(path.read_bytes())) if path.exists() else Counts()


def share(used: float, bound: Linear, size: int) -> float:
    return max(0.0, used) / bound.of(size)
