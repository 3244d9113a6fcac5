"""The model behind the server: one answer at a time, each by one global from its first token to its last."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fednode.data.turns import Turn
from fednode.serving.errors import Refused
from fednode.training.types import Answer, Choice

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fednode.training import AdapterModel

MOST_WAITING = 32
"""Requests that wait for the model or are being answered."""


@dataclass(frozen=True)
class Global:
    """A final global: `round` 0 is the untrained one, `root` its 32 bytes on the chain."""

    round: int
    root: bytes


class ServedModel:
    """`longest`: tokens of prompt and answer together for which the federation trains; `first` and its values as in
    `replace`."""

    def __init__(self, model: AdapterModel, longest: int, first: Global, units: NDArray[np.int32]) -> None:
        self._model = model
        self._longest = longest
        self._at_work = threading.Lock()
        self._places = threading.BoundedSemaphore(MOST_WAITING)
        self.replace(first, units)

    def replace(self, found: Global, units: NDArray[np.int32]) -> None:
        """From the next answer on: the values of this global, int32 [value_count]. Waits for the answer in progress."""
        with self._at_work:
            self._model.set_global(units)
            self.now = found

    def tokens_of(self, turns: Sequence[Turn]) -> Sequence[int]:
        """The conversation in the spec's template, exactly as in training. Raises Refused: it is longer than what the
        federation trains on, which would lose a part of it; or the base model's chat template refuses it."""
        encoder = self._model.encoder
        question = encoder.question(turns)
        if (why := encoder.refused(question)) is not None:
            raise Refused(why, parameter="messages")
        ids, is_cut = encoder.prompt(question)
        if is_cut:
            raise Refused(
                f"the prompt is too long: this federation trains on {self._longest} tokens, prompt template and answer "
                "included; shorten it",
                code="context_length_exceeded",
            )
        return ids

    def answer(
        self, ids: Sequence[int], most: int, choice: Choice, heard: Callable[[str, Global], bool]
    ) -> tuple[Answer, Global]:
        """The answer, and the global that gave it; see `AdapterModel.answer`. `heard` is told the global too."""
        with self._at_work:
            by = self.now
            return self._model.answer(ids, most, choice, lambda text: heard(text, by)), by

    def enter(self) -> None:
        """Take a place among those who wait; `leave` gives it back. Raises Refused: all are taken."""
        if not self._places.acquire(blocking=False):
            raise Refused(f"{MOST_WAITING} requests wait already; ask later", status=429, code="rate_limit_exceeded")

    def leave(self) -> None:
        self._places.release()
