"""How far the model's work is, shared between its thread and the loop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class ModelProgress:
    """`step` of `steps`, and the `loss` of that step (None: none yet). `base`: how the base model is held in memory, in
    words; empty before it is loaded. `stage`: what comes before the steps, such as loading the model; else empty."""

    step: int = 0
    steps: int = 0
    loss: float | None = None
    base: str = ""
    stage: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def set(self, step: int, steps: int, loss: float | None = None) -> None:
        """`loss` None keeps the last one."""
        with self._lock:
            self.step, self.steps = step, steps
            self.loss = self.loss if loss is None else loss

    @contextmanager
    def during(self, stage: str) -> Iterator[None]:
        """Say that the work is still at this `stage`."""
        self.stage = stage
        try:
            yield
        finally:
            self.stage = ""

    def read(self) -> tuple[int, int, float | None]:
        with self._lock:
            return self.step, self.steps, self.loss
