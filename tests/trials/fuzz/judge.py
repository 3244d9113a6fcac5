"""One input through one parser: what came of it is a result, a documented error or a finding."""

from __future__ import annotations

import gc
import resource
import time
import tracemalloc
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from fuzz.target import Linear, Target

RESIDENT = Linear(48 << 20, 2048)
"""By how much an input may raise the process's high-water mark: native code's memory, which Python does not trace."""


class OutOfBounds(Exception):
    """More memory or time than the input's length explains."""


@dataclass(frozen=True)
class Outcome:
    """`value`: what the parser returned, if it `accepted` the input, or the documented error that it raised.

    `peak`: bytes of Python objects at once; `resident`: bytes by which the process grew; `seconds`: of CPU.
    """

    value: Any
    accepted: bool
    peak: int
    resident: int
    seconds: float


def judged(target: Target, data: bytes) -> Outcome:
    """Raises whatever is a finding. Memory must be traced (`tracemalloc.start`)."""
    high = _high_water()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    start = time.thread_time()
    accepted = True
    try:
        value = target.parse(data)
    except target.errors as error:
        str(error)
        value, accepted = error.with_traceback(None), False  # its frames hold it: garbage that piles up
    seconds = time.thread_time() - start
    peak = tracemalloc.get_traced_memory()[1] - before
    outcome = Outcome(value, accepted, peak, _high_water() - high, seconds)
    _within("bytes of Python objects", outcome.peak, target.memory, data)
    _within("more bytes resident", outcome.resident, RESIDENT, data)
    _within("seconds of CPU", outcome.seconds, target.seconds, data)
    if accepted:
        target.check(data, value)
    return outcome


def warm_up(target: Target) -> None:
    """Run the seeds unmeasured: imports and caches belong to no input. What is wrong with a seed comes out later."""
    for data in target.seeds():
        with suppress(Exception):
            target.check(data, target.parse(data))
    gc.collect()
    gc.freeze()


def _within(what: str, used: float, bound: Linear, data: bytes) -> None:
    if used > bound.of(len(data)):
        raise OutOfBounds(f"{used:.3g} {what} for an input of {len(data)} bytes: at most {bound.of(len(data)):.3g}")


def _high_water() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
