"""Flower's own aggregation of the same number of values, if Flower is installed: of float32, and nothing is verified
(https://flower.ai, `flwr.serverapp.strategy`)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from statistics import median
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Flower:
    """Median seconds.

    Attributes:
        aggregate: its FedAvg, of arrays in memory.
        read: turning the bytes that its server receives into such arrays; None where its version has another way.
    """

    aggregate: float
    read: float | None

    @property
    def together(self) -> float | None:
        return None if self.read is None else self.read + self.aggregate


def is_there() -> bool:
    return find_spec("flwr") is not None


def measured(values: int, clients: int, repeats: int, told: Callable[[int, int], None]) -> Flower:
    """What Flower takes for `clients` replies with an array of `values` float32 each. `told` is called after each
    repetition, with its number and how many there are."""
    from flwr.serverapp.strategy.strategy_utils import aggregate_arrayrecords

    rng = np.random.default_rng(0)
    replies = [_reply(rng.random(values, np.float32), 100 + client) for client in range(clients)]
    seconds = []
    for number in range(1, repeats + 1):
        begun = time.perf_counter()
        aggregate_arrayrecords(replies, "num-examples")
        seconds.append(time.perf_counter() - begun)
        told(number, repeats)
    del replies[1:]  # one is enough to be read as often as there are clients
    read = _read(replies[0], repeats)
    return Flower(median(seconds), None if read is None else clients * read)


def _reply(values: Any, examples: int) -> Any:
    from flwr.app import Array, ArrayRecord, MetricRecord, RecordDict

    return RecordDict(
        {"arrays": ArrayRecord({"adapter": Array(values)}), "metrics": MetricRecord({"num-examples": examples})}
    )


def _read(reply: Any, repeats: int) -> float | None:
    """Median seconds to read one reply from the objects in which Flower sends it."""
    try:
        from flwr.supercore.inflatable.inflatable_object import get_all_nested_objects
        from flwr.supercore.inflatable.inflatable_utils import inflate_object_from_contents
    except ImportError:  # not a part of Flower's interface, so it may have moved
        return None
    contents = {name: part.deflate() for name, part in get_all_nested_objects(reply).items()}
    seconds = []
    for _ in range(repeats):
        begun = time.perf_counter()
        inflate_object_from_contents(reply.object_id, contents, keep_object_contents=True)
        seconds.append(time.perf_counter() - begun)
    return median(seconds)
