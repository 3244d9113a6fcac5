"""Features beyond the coverage of Python code, so that libFuzzer keeps inputs for what native code says of them."""

from __future__ import annotations

import math

import atheris

from fuzz.judge import Outcome
from fuzz.tally import share
from fuzz.target import Target

OUTCOMES = 4096  # counters; names beyond them share one
MEMORY_STEPS = 64  # towards the bound, evenly


class Guide:
    """Counts outcomes by name, and how near an input came to its bound of memory. Make it before `atheris.Setup`."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._free = [atheris._reserve_counter() for _ in range(OUTCOMES)]
        self._shared = self._free.pop()
        self._memory = [atheris._reserve_counter() for _ in range(MEMORY_STEPS + 1)]
        self._named: dict[str, int] = {}

    def saw(self, outcome: Outcome, size: int) -> None:
        for name in {type(outcome.value).__name__, *self._target.features(outcome.value)}:
            atheris._trace_branch(self._counter(name))
        step = math.floor(share(outcome.peak, self._target.memory, size) * MEMORY_STEPS)
        atheris._trace_branch(self._memory[min(MEMORY_STEPS, step)])

    def _counter(self, name: str) -> int:
        if name not in self._named:
            if not self._free:
                return self._shared
            self._named[name] = self._free.pop()
        return self._named[name]
