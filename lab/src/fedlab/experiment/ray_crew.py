"""Members' work on a Ray cluster: on this machine, or on the one that RAY_ADDRESS names (`pip install 'fedlab[ray]'`).

Ray schedules, starts processes again and divides GPUs (Moritz et al. 2018, "Ray: A Distributed Framework for Emerging
AI Applications"). Each of its workers loads the base model once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from fednode.training import TrainingError
from fedprotocol.errors import FedError
from fedprotocol.program import environment
from fedprotocol.spec import Spec

from fedlab.experiment.cells import Cell
from fedlab.experiment.crew import Part, tried
from fedlab.experiment.members import Member, Turn
from fedlab.experiment.models import Base, Models
from fedlab.experiment.settings import Device
from fedlab.experiment.workers import Outcome, Shared, Told, outcome_of

HERE = "127.0.0.1"  # the program's own cluster is not to be reached from elsewhere
OBJECTS = 256 * 2**20
"""Bytes of memory for what the workers are sent; the rest of it goes to disk."""

TRIES = 3  # to start a cluster: Ray gives up after 30 seconds, which a busy machine needs


class NoRay(FedError):
    """Ray is not installed, or its cluster cannot be used."""


class RayCrew:
    """Crew of `workers` Ray actors, each with `threads` cores and `gpus` GPUs, which may be a part of one."""

    def __init__(self, base: Base, device: Device, workers: int, threads: int, gpus: float) -> None:
        import ray

        hand: Any = ray.remote(num_cpus=threads, num_gpus=gpus, max_restarts=2, max_task_retries=2)(_Hand)
        self._hands = [hand.remote(base, device, threads) for _ in range(workers)]

    def parts(
        self, spec: Spec, members: Mapping[str, Member], turn: Turn
    ) -> Iterator[tuple[str, Part | TrainingError]]:
        """See Crew."""
        import ray
        from ray.util import ActorPool

        shared = ray.put((spec, turn))
        pool: Any = ActorPool(self._hands)
        given = pool.map(lambda hand, member: hand.part.remote(shared, member), members.values())
        yield from zip(members, given, strict=True)


class _Hand:
    """One worker, with its own model."""

    def __init__(self, base: Base, device: Device, threads: int) -> None:
        environment.settle()
        self._models = Models(base, device, threads)

    def part(self, shared: tuple[Spec, Turn], member: Member) -> Part | TrainingError:
        spec, turn = shared
        return tried(self._models.of(spec), spec, member, turn)


def run_on_ray(
    shared: Shared, cells: Sequence[Cell], workers: int, threads: int, gpus: float, told: Callable[[Told], None]
) -> Iterator[tuple[Cell, Outcome]]:
    """Runs one cell after the other, its members side by side; otherwise as `workers.run_all`. Raises NoRay."""
    with _cluster(workers * threads):
        crew = RayCrew(shared.base, shared.device, workers, threads, gpus)
        models = Models(shared.base, shared.device, threads)
        for cell in cells:
            yield cell, outcome_of(shared, models, cell, told, crew)


@contextmanager
def _cluster(cores: int) -> Iterator[None]:
    try:
        import ray
    except ImportError as error:
        raise NoRay("--engine ray needs Ray: pip install 'fedlab[ray]'") from error
    address = environment.given().get("RAY_ADDRESS")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is told to anybody
    own: dict[str, Any] = {"num_cpus": cores, "object_store_memory": OBJECTS, "_node_ip_address": HERE}
    for left in reversed(range(TRIES)):
        try:
            ray.init(
                address=address or "local",
                include_dashboard=False,
                log_to_driver=False,
                configure_logging=False,
                **({} if address else own),
            )
            break
        except Exception as error:  # Ray has no class of its own for a start that takes longer than it waits
            ray.shutdown()
            if address or not left or "timed out" not in str(error):
                raise NoRay(f"Ray cannot be used{f' at {address}' if address else ''}: {error}") from error
    try:
        yield
    finally:
        ray.shutdown()
