"""Flower's own aggregation of the same number of values, if Flower is installed: in memory, of float32, and nothing is
verified (https://flower.ai, `flwr.serverapp.strategy`)."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec
from statistics import median

import numpy as np


def is_there() -> bool:
    return find_spec("flwr") is not None


def aggregate(values: int, clients: int, repeats: int, told: Callable[[int, int], None]) -> float:
    """Median seconds of Flower's FedAvg over `clients` arrays of `values` float32."""
    from flwr.app import Array, ArrayRecord, MetricRecord, RecordDict
    from flwr.serverapp.strategy.strategy_utils import aggregate_arrayrecords

    rng = np.random.default_rng(0)
    records = [
        RecordDict(
            {
                "arrays": ArrayRecord({"adapter": Array(rng.random(values, np.float32))}),
                "metrics": MetricRecord({"num-examples": 100 + client}),
            }
        )
        for client in range(clients)
    ]
    seconds = []
    for number in range(1, repeats + 1):
        begun = time.perf_counter()
        aggregate_arrayrecords(records, "num-examples")
        seconds.append(time.perf_counter() - begun)
        told(number, repeats)
    return median(seconds)
