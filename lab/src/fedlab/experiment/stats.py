"""Means and deviations over seeds; a single-site row is first averaged over its sites, within each seed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from fedlab.experiment.results import CellResult

Value = Callable[[CellResult], float | None]


@dataclass(frozen=True)
class Figure:
    """A mean over `count` seeds. `deviation`: the sample's standard deviation; None for fewer than two seeds."""

    mean: float
    deviation: float | None
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure | None:
        """The figure of some values; None if there are none."""
        if not values:
            return None
        return cls(mean(values), stdev(values) if len(values) > 1 else None, len(values))

    def text(self, digits: int = 3, scale: float = 1.0) -> str:
        """The figure as text, such as `1.234 ± 0.012`."""
        mean_text = f"{scale * self.mean:.{digits}f}"
        return mean_text if self.deviation is None else f"{mean_text} ± {scale * self.deviation:.{digits}f}"


def family(row: str) -> str:
    """The row without the name of its site: `single` for `single:clinic`."""
    return row.partition(":")[0]


def by_seed(results: Iterable[CellResult], value: Value) -> dict[int, float]:
    """Seed -> mean of `value` over the results with that seed, which may be of several sites."""
    found: dict[int, list[float]] = defaultdict(list)
    for result in results:
        if (number := value(result)) is not None:
            found[result.seed].append(number)
    return {seed: mean(numbers) for seed, numbers in sorted(found.items())}


def figure(results: Iterable[CellResult], value: Value) -> Figure | None:
    """The mean over seeds."""
    return Figure.of(list(by_seed(results, value).values()))


def of_one_device(results: Iterable[CellResult]) -> list[CellResult]:
    """The results of the device that has most of them, because a mean of seconds or memory over several devices means
    nothing."""
    found = list(results)
    most = Counter(result.device for result in found).most_common(1)
    return [result for result in found if result.device == most[0][0]]


def best_by_seed(results: Iterable[CellResult]) -> dict[int, float]:
    """Seed -> accuracy of the best site."""
    found: dict[int, float] = {}
    for result in results:
        if result.accuracy is not None:
            found[result.seed] = max(found.get(result.seed, 0.0), result.accuracy)
    return found


def differences(of: dict[int, float], minus: dict[int, float]) -> Figure | None:
    """Over the seeds that both have."""
    return Figure.of([of[seed] - minus[seed] for seed in sorted(of.keys() & minus.keys())])


def ratios(of: dict[int, float], by: dict[int, float]) -> Figure | None:
    """Over the seeds that both have."""
    return Figure.of([of[seed] / by[seed] for seed in sorted(of.keys() & by.keys()) if by[seed]])


def accuracy(result: CellResult) -> float | None:
    """The accuracy from 0 to 1; None if the task has no classes."""
    return result.accuracy


def loss(result: CellResult) -> float | None:
    """The loss in nats per token of the answer."""
    return result.loss
