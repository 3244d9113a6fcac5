"""What is wrong now and may need a person: each cause once, since when, and no longer than it lasts."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, field

from fedprotocol.program.status import Problem
from fedprotocol.quantities import duration

FORGOTTEN = 90.0  # seconds after which what was not met again, and nothing tries any more, counts as over
MOST_SHOWN = 10
BRIEF = 10.0  # seconds: of what lasted no longer nobody is told that it is over
FLAPPING = 300.0  # seconds in which the same cause, over in between, is no news


@dataclass
class _Trouble:
    """One cause, and what it keeps from being done."""

    text: str
    since: float
    latest: float
    round: int | None = None
    doing: dict[str, None] = field(default_factory=dict)


class Problems:
    """All that is wrong. The key of a problem is an action that fails, or a word for what does not work. `now`: seconds
    since 1970."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._met: dict[Hashable, _Trouble] = {}
        self._ended: dict[str, float] = {}  # cause -> when it was over

    def __len__(self) -> int:
        """How many causes there are."""
        return len({trouble.text for trouble in self._met.values()})

    def meet(self, key: Hashable, text: str, doing: str = "", round_number: int | None = None) -> bool:
        """It goes wrong, for the first time or again; returns whether this is news: no other key has the same cause.

        Args:
            key: of what goes wrong; with another text it is another problem.
            text: the cause.
            doing: what it keeps from being done.
            round_number: the round that it belongs to: it lasts as long as that is open.
        """
        now, before = self._now(), self._met.pop(key, None)
        is_news = all(trouble.text != text for trouble in self._met.values())
        is_news &= now - self._ended.get(text, -FLAPPING) >= FLAPPING
        if before is not None and before.text == text:
            is_news = False
        else:
            before = _Trouble(text, now, now, round_number)
        before.latest = now
        if doing:
            before.doing[doing] = None
        self._met[key] = before  # the newest comes last
        return is_news

    def over(self, key: Hashable) -> str:
        """It works again: how long it did not, in words; empty if that was a moment, or it did all the time."""
        trouble = self._met.pop(key, None)
        if trouble is None:
            return ""
        self._end(trouble.text)
        lasted = self._now() - trouble.since
        return duration(lasted) if lasted >= BRIEF else ""

    def look(self, lasting: Collection[Hashable], open_rounds: Collection[int]) -> None:
        """End what is over: what is neither in `lasting`, nor belongs to one of `open_rounds`, nor was met lately."""
        now = self._now()
        for key, trouble in list(self._met.items()):
            lasts = key in lasting or trouble.round in open_rounds
            if not lasts and now - trouble.latest > FORGOTTEN:
                del self._met[key]
                self._end(trouble.text)

    def _end(self, text: str) -> None:
        now = self._now()
        self._ended = {text: when for text, when in self._ended.items() if now - when < FLAPPING} | {text: now}

    def shown(self) -> tuple[Problem, ...]:
        """One for each cause, the newest last."""
        causes: dict[str, list[_Trouble]] = {}
        for trouble in self._met.values():
            causes.setdefault(trouble.text, []).append(trouble)
        return tuple(_problem(text, troubles) for text, troubles in causes.items())[-MOST_SHOWN:]


def _problem(text: str, troubles: Collection[_Trouble]) -> Problem:
    doing = ", ".join(dict.fromkeys(word for trouble in troubles for word in trouble.doing))
    return Problem(
        text=f"{doing}: {text}" if doing else text,
        since=min(trouble.since for trouble in troubles),
        latest=max(trouble.latest for trouble in troubles),
    )
