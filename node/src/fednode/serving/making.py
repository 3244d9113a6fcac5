"""An answer while it is made: in a thread, part by part, for the event loop of the server."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from fednode.serving.asked import Asked
from fednode.serving.errors import Refused
from fednode.serving.growing_text import GrowingText
from fednode.serving.served_model import Global, ServedModel
from fednode.training.types import Answer

log = logging.getLogger("fednode")


@dataclass(frozen=True)
class Made:
    """`finish`: "stop" (the model's own end, or a stop of the client's) or "length"; `by`: the global that made it."""

    answer: Answer
    finish: str
    by: Global


class Making:
    """To be made within a running event loop. Raises Refused if too many wait for the model."""

    def __init__(self, served: ServedModel, asked: Asked, ids: Sequence[int]) -> None:
        self._served = served
        self._asked = asked
        self._ids = ids
        self._growing = GrowingText(asked.stop)
        self._is_unwanted = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._parts: asyncio.Queue[tuple[str, Global] | None] = asyncio.Queue()
        served.enter()
        self.result = self._loop.run_in_executor(None, self._make)
        self.result.add_done_callback(lambda _: self._parts.put_nowait(None))

    async def parts(self) -> AsyncIterator[tuple[str, Global]]:
        """Texts, none of them empty, each with the global that it comes from."""
        while (part := await self._parts.get()) is not None:
            yield part

    async def made(self) -> Made:
        """How it ended. Raises Refused if it could not be made."""
        try:
            return await self.result
        except Exception as error:
            log.exception("no answer could be made")
            raise Refused("the model failed: the server's log says why", status=500) from error

    def give_up(self) -> None:
        """Nobody wants the rest."""
        self._is_unwanted.set()

    def _make(self) -> Made:
        try:
            answer, by = self._served.answer(self._ids, self._asked.most, self._asked.choice, self._heard)
        finally:
            self._served.leave()
        self._tell(self._growing.next(answer.text, is_whole=True), by)
        is_whole = answer.has_ended or self._growing.has_stopped
        return Made(answer, "stop" if is_whole else "length", by)

    def _heard(self, text: str, by: Global) -> bool:
        self._tell(self._growing.next(text), by)
        return not (self._growing.has_stopped or self._is_unwanted.is_set())

    def _tell(self, text: str, by: Global) -> None:
        if text:
            self._loop.call_soon_threadsafe(self._parts.put_nowait, (text, by))
