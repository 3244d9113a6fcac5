"""An answer that is sent while it is made: which part of it cannot change any more."""

from __future__ import annotations

from collections.abc import Sequence

INCOMPLETE = "\N{REPLACEMENT CHARACTER}"
"""What a decoder makes of a character of which some bytes are still to come."""


class GrowingText:
    """An answer without white space at its beginning and end, and without anything from the first of `stops` on."""

    def __init__(self, stops: Sequence[str] = ()) -> None:
        self.has_stopped = False
        self._stops = stops
        self._told = ""

    def next(self, text: str, is_whole: bool = False) -> str:
        """What can be sent now, and was not yet. `text`: all of the answer so far; `is_whole`: nothing comes after."""
        text = text.lstrip()
        ends = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if ends:
            self.has_stopped = True
            text = text[: min(ends)]
        elif not is_whole:
            text = text[: len(text) - self._unsure(text)].rstrip(INCOMPLETE)
        text = text.rstrip()
        if not text.startswith(self._told):
            return ""
        new = text[len(self._told) :]
        self._told = text
        return new

    def _unsure(self, text: str) -> int:
        """How many characters at the end may be the beginning of a stop."""
        lengths = (n for stop in self._stops for n in range(1, len(stop)) if text.endswith(stop[:n]))
        return max(lengths, default=0)
