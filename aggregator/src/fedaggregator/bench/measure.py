"""The steps of an aggregation, timed one by one on files of the size that was asked for."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from fedprotocol.car import CarFile, write_car
from fedprotocol.files.tree_files import open_car
from fedprotocol.files.whole import sync_file
from fedprotocol.numbers import leaf_count
from fedprotocol.program.peak_memory import forget_peak, peak_memory
from fedprotocol.tree import TreeShape

from fedaggregator.bench.made_leaves import MadeLeaves
from fedaggregator.compute.in_order import in_order
from fedaggregator.compute.merge import GLOBAL_BITS, Contribution, merge, workers_for
from fedaggregator.rules import RULES

WEIGHT, SHIFT, SERVER_LR = 100, 5, 1 << 16


@dataclass(frozen=True)
class Size:
    """What is aggregated: `clients` updates of `values` values of `bits` bits, in leaves of `leaf_values`."""

    values: int
    clients: int
    leaf_values: int
    bits: int = 8

    @property
    def update(self) -> TreeShape:
        return TreeShape(leaf_count(self.values, self.leaf_values), self.leaf_values * self.bits // 8)

    @property
    def result(self) -> TreeShape:
        return TreeShape(self.update.leaf_count, self.leaf_values * GLOBAL_BITS // 8)

    @property
    def fetched_bytes(self) -> int:
        """How much all updates have together."""
        return self.clients * self.update.leaf_count * self.update.leaf_bytes


@dataclass
class Laps:
    """Seconds of each step, of every repetition."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    @contextmanager
    def lap(self, step: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        self.seconds.setdefault(step, []).append(time.perf_counter() - begun)

    def medians(self) -> dict[str, float]:
        return {step: median(seconds) for step, seconds in self.seconds.items()}


@dataclass(frozen=True)
class Aggregated:
    """What was measured.

    Attributes:
        seconds: the median of each step.
        peak_bytes: the most memory that the process had; None where the system does not tell.
        root: of the result, in hexadecimal digits.
    """

    seconds: dict[str, float]
    peak_bytes: int | None
    root: str


def aggregate(size: Size, folder: Path, repeats: int, told: Callable[[int, int], None]) -> Aggregated:
    """Verify the updates and the prior global, which are CAR files in `folder`; merge them by FedAvg; write the result
    as a CAR; wait until it is on the disk. What numba takes to start is not counted. `told` is called after each
    repetition, with its number and how many there are.

    Raises OSError if there is no room, TreeError or RuleError for a size that no federation can have.
    """
    shapes = [size.result, *[size.update] * size.clients]
    paths = [folder / f"{number}.car" for number in range(len(shapes))]
    roots = [_made(path, MadeLeaves(shape, seed)) for seed, (path, shape) in enumerate(zip(paths, shapes, strict=True))]
    laps, workers = Laps(), workers_for(size.fetched_bytes)

    def opened(number: int) -> CarFile:
        return open_car(paths[number], roots[number], shapes[number])

    with opened(1) as first:  # loads what is compiled
        first.window(0, 1)
    with suppress(OSError):
        forget_peak()
    for number in range(1, repeats + 1):
        with ExitStack() as files:
            for old in {*folder.glob("merged.*"), *folder.glob("*.idx")}:
                old.unlink()  # to replace a file takes longer than to write one
            with laps.lap("verify"):
                prior, *updates = (files.enter_context(f) for f in in_order(opened, range(len(paths)), workers))
            contributions = [Contribution(update, WEIGHT + i, SHIFT) for i, update in enumerate(updates)]
            with laps.lap("merge"):
                rule, out = RULES["fedavg"], folder / "merged.leaves"
                merged = files.enter_context(merge(rule, prior, contributions, size.bits, SERVER_LR, out))
            with (folder / "merged.car").open("wb") as car, (folder / "merged.idx").open("wb") as index:
                with laps.lap("write"):
                    write_car(merged, car, index)
                with laps.lap("to disk"):
                    sync_file(car)
                    sync_file(index)
        told(number, repeats)
    return Aggregated(laps.medians(), peak_memory(os.getpid()) or None, merged.root.hex())


def _made(path: Path, leaves: MadeLeaves) -> bytes:
    with path.open("wb") as file:
        write_car(leaves, file)
        sync_file(file)  # so that the system is not still writing it when something is measured
    return leaves.root
