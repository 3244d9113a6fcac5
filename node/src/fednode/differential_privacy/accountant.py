"""How much privacy training has cost: epsilon at a given delta, by the composition of privacy loss distributions.

Two data sets are neighbours here if one row counts in one of them and not in the other; how many rows there are is
known. The number is an upper bound. Computed with dp-accounting: Doroshenko et al. 2022, "Connect the Dots: Tighter
Discrete Approximations of Privacy Loss Distributions"; the sampled Gaussian mechanism: Mironov et al. 2019.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from fedprotocol.errors import FedError


class NoAccountant(FedError):
    """The package that keeps the books is not installed."""

    needs_person = True


@dataclass(frozen=True)
class Cost:
    """Some steps of DP-SGD. `noise`: the noise multiplier; `rate`: the probability with which a row is in a step."""

    noise: float
    rate: float
    steps: int


def require_accountant() -> None:
    """Raise NoAccountant unless dp-accounting can be imported; takes some seconds."""
    try:
        import dp_accounting.pld  # noqa: F401
    except ImportError as error:
        raise NoAccountant(
            f"[privacy] needs the package dp-accounting, to count what training costs ({error}): "
            "pip install 'fednode[privacy]'"
        ) from error


def epsilon(costs: Iterable[Cost], delta: float) -> float:
    """Epsilon of all `costs` together, at `delta`; 0 of none, and infinite where it has no bound. Takes a second or a
    few. Raises NoAccountant."""
    steps = Counter[tuple[float, float]]()
    for cost in costs:
        steps[cost.noise, cost.rate] += cost.steps
    return _composed(tuple(sorted(steps.items())), delta) if steps else 0.0


@lru_cache(maxsize=16)  # a round asks twice: before it is trained, and when it is charged
def _composed(steps: tuple[tuple[tuple[float, float], int], ...], delta: float) -> float:
    require_accountant()
    from dp_accounting import GaussianDpEvent, PoissonSampledDpEvent
    from dp_accounting.pld import PLDAccountant

    accountant = PLDAccountant(value_discretization_interval=_interval(min(noise for (noise, _), _ in steps)))
    for (noise, rate), count in steps:
        gaussian = GaussianDpEvent(noise)
        accountant.compose(gaussian if rate >= 1 else PoissonSampledDpEvent(rate, gaussian), count)
    return float(accountant.get_epsilon(delta))


def _interval(noise: float) -> float:
    """Steps in which privacy loss is counted. With wide ones, an epsilon below 0.1 comes out too large; with narrow
    ones, little noise takes minutes. It is an upper bound with both."""
    return 1e-3 if noise < 2 else 1e-4
