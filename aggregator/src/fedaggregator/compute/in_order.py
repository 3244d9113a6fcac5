"""Work on many things side by side, with the results in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_order(work: Callable[[T], R], things: Iterable[T], workers: int) -> Generator[R, None, None]:
    """The result of `work` for each thing. Only one more than there are `workers` are begun before they are taken, so
    memory does not grow with their number.

    An error of `work` is raised in its place; what was begun is waited for, and nothing else is begun.
    """
    if workers < 2:
        yield from map(work, things)
        return
    left, begun = iter(things), deque[Future[R]]()
    with ThreadPoolExecutor(workers, "merge") as pool:
        try:
            begun.extend(pool.submit(work, thing) for thing in islice(left, workers + 1))
            while begun:
                result = begun.popleft().result()
                begun.extend(pool.submit(work, thing) for thing in islice(left, 1))
                yield result
        finally:
            for waiting in begun:
                waiting.cancel()
