"""Characters that nobody means to write: they come of programs that read or wrote a file wrongly."""

from __future__ import annotations

import re
from collections import Counter

_STRANGE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")
_NAMES = {"\0": "NUL", "\x0c": "a form feed", "\ufffd": "U+FFFD, which stands for one that could not be read"}


class StrangeCharacters:
    """Rows that hold control characters or U+FFFD."""

    def __init__(self) -> None:
        self.rows = 0
        self._first = 0
        self._found: Counter[str] = Counter()

    def add(self, number: int, *texts: str) -> None:
        found = {character for text in texts for character in _STRANGE.findall(text)}
        if found:
            self._first = self._first or number
            self.rows += 1
            self._found.update(found)

    def lines(self, unit: str) -> list[str]:
        if not self.rows:
            return []
        names = (f"{_NAMES.get(one, f'U+{ord(one):04X}')} in {count}" for one, count in self._found.most_common(3))
        return [
            f"{self.rows} rows hold control characters, the first {unit} {self._first}: {', '.join(names)}; "
            "they are learned as they are"
        ]
