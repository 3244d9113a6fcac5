"""Several processes that train one model together, each with its share of every batch's rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray

from fednode.training.types import TrainingError

if TYPE_CHECKING:
    from torch.distributed.device_mesh import DeviceMesh

T = TypeVar("T")

FOR_EVER = timedelta(days=3650)
"""Between two rounds the processes may wait for as long as a federation pauses."""


class Group:
    """This process among `size`, as number `rank` from 0. Each method must be called by all of them, in one order."""

    def __init__(self, rank: int, size: int, meeting: Path, device: str, shards: bool = False) -> None:
        """Waits for the others. `meeting`: a file that does not exist, in a folder that all of them see. `shards`:
        each process holds a part of the base model, and not a copy of it."""
        self.rank, self.size, self.shards = rank, size, shards
        self._device = device
        backend = "cpu:gloo,cuda:nccl" if device == "cuda" else "gloo"
        dist.init_process_group(backend, init_method=f"file://{meeting}", rank=rank, world_size=size)
        self._patient: Any = dist.new_group(backend="gloo", timeout=FOR_EVER)

    @property
    def leads(self) -> bool:
        """Whether this is the process that reads and writes files for all."""
        return self.rank == 0

    @property
    def mesh(self) -> DeviceMesh:
        """The processes as PyTorch wants them for sharding."""
        from torch.distributed.device_mesh import DeviceMesh

        every = dist.group.WORLD
        assert every is not None  # noqa: S101 - as __init__ left it
        return DeviceMesh.from_group(every, self._device)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One process after the other: what needs much memory for a while."""
        for _ in range(self.rank):
            dist.barrier(self._patient)
        yield
        for _ in range(self.rank, self.size):
            dist.barrier(self._patient)

    def passes_less(self, count: int) -> int:
        """To be asked before `count` passes through the model: how many more another process will make. If the model
        is sharded, this one has to make them too, for nothing can be computed without its part."""
        return max(self.gather(count)) - count if self.shards else 0

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        """The sum over all processes, in place of `values`; the same bits for each of them."""
        dist.all_reduce(values)
        return values

    def sum_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Give each of `parameters` the sum of its gradients. What has a gradient in no process has none afterwards."""
        parameters = list(parameters)
        parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        has = torch.tensor([float(p.grad is not None) for p in parameters], device=parts[0].device)
        flat = self.sum(torch.cat([*(part.flatten() for part in parts), has]))
        *sums, holders = torch.split(flat, [*(part.numel() for part in parts), len(parts)])
        for parameter, summed, count in zip(parameters, sums, holders.tolist(), strict=True):
            parameter.grad = summed.view(parameter.shape).to(parameter.dtype) if count else None

    def gather(self, one: T) -> list[T]:
        """What each process gives, by rank. It may be anything that can be pickled."""
        every: list[T | None] = [None] * self.size
        dist.all_gather_object(every, one, group=self._patient)
        return every  # type: ignore[return-value]  # all of them are set

    def from_the_leader(self, one: T | None) -> T:
        """What process 0 gives. The others wait for it, as long as it takes."""
        box = [one]
        dist.broadcast_object_list(box, src=0, group=self._patient)
        return box[0]  # type: ignore[return-value]  # the leader gives one

    def shares(self, count: int, most: int) -> Iterator[slice]:
        """This process's share of `count` items, in parts of at most `most`; as many parts as the others have."""
        for start in range(0, count, most * self.size):
            yield slice(start + self.rank, min(count, start + most * self.size), self.size)

    def require_same(self, values: NDArray[np.float32]) -> None:
        """Raise TrainingError unless all processes hold the same bits."""
        if len(set(self.gather(hashlib.sha256(values.tobytes()).digest()))) > 1:
            raise TrainingError(
                "the processes that train together came to different weights: use the same hardware, and the same "
                "versions of torch and its libraries, for all of them"
            )

    def close(self) -> None:
        dist.destroy_process_group()
