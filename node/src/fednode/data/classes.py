"""Whether answers are the spec's classes: one that is none of them is never counted as right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from difflib import get_close_matches

_SHOWN = 5  # answers
_SHOWN_CLASSES = 30
_LONGEST = 40  # characters of an answer
_KEPT = 1000  # different answers that are told apart


class Answers:
    """The answers of a file, compared with the spec's `classes`.

    `trimmed`: a completion as the model gets it. `first_token`: the id of the token that an answer begins with, by
    which evaluation tells classes apart; None: no tokenizer is here.
    """

    def __init__(
        self,
        classes: Sequence[str],
        trimmed: Callable[[str], str],
        first_token: Callable[[str], int | None] | None = None,
    ) -> None:
        self._classes = classes
        self._trimmed = trimmed
        self._first_token = first_token
        self._known: dict[str, str | None] = {}
        self.counts: Counter[str] = Counter(dict.fromkeys(classes, 0))
        self.longer = 0
        self.off = 0
        self._answers: dict[str, tuple[int, int]] = {}  # number of the first such row, and how many

    def add(self, number: int, completion: str) -> None:
        answer = self._trimmed(completion)
        if answer not in self._known and len(self._known) < _KEPT:
            self._known[answer] = self._class_of(answer)
        name = self._known[answer] if answer in self._known else self._class_of(answer)
        if name is None:
            self.off += 1
            if answer in self._answers or len(self._answers) < _KEPT:
                first, count = self._answers.get(answer, (number, 0))
                self._answers[answer] = first, count + 1
            return
        self.counts[name] += 1
        self.longer += answer != name

    def lines(self) -> list[str]:
        """How many rows each class has."""
        most = self.counts.most_common()
        counts = ", ".join(f"{name!r} {count}" for name, count in most[:_SHOWN_CLASSES])
        more = f", and {len(most) - _SHOWN_CLASSES} more" if len(most) > _SHOWN_CLASSES else ""
        lines = [f"classes: {counts}{more}"]
        if self.longer:
            lines.append(f"{self.longer} answers go on behind their class; accuracy looks at the class alone")
        return lines

    def errors(self, unit: str) -> list[str]:
        """What is wrong; `unit`: of the rows' numbers."""
        if not self.off:
            return []
        verb = "answer is none" if self.off == 1 else "answers are none"
        lines = [f"{self.off} {verb} of the spec's classes, and would never count as right:"]
        ranked = sorted(self._answers.items(), key=lambda item: -item[1][1])
        for answer, (first, count) in ranked[:_SHOWN]:
            shown = repr(answer if len(answer) <= _LONGEST else answer[:_LONGEST] + "…")
            rows = f"{unit} {first}" if count == 1 else f"{count} rows, the first {unit} {first}"
            lines.append(f"  {shown}{self._near(answer)} ({rows})")
        if len(ranked) > _SHOWN:
            lines.append(f"  and {len(ranked) - _SHOWN} other answers")
        names = ", ".join(map(repr, self._classes[:_SHOWN_CLASSES]))
        lines.append(f"  the classes are {names}{', …' if len(self._classes) > _SHOWN_CLASSES else ''}")
        return lines

    def _class_of(self, answer: str) -> str | None:
        """The class that an answer is, or that it begins with as a word of its own."""
        if answer in self._classes:
            return answer
        begun = [
            name
            for name in self._classes
            if answer.startswith(name) and not answer[len(name)].isalnum() and answer[len(name) :].strip()
        ]
        if not begun:
            return None
        name = max(begun, key=len)
        is_same = self._first_token is None or self._first_token(answer) == self._first_token(name)
        return name if is_same else None

    def _near(self, answer: str) -> str:
        """Which class was probably meant, and what differs."""
        plain = {name.strip(): name for name in self._classes}
        folded = {name.casefold(): name for name in plain}
        given = answer.strip()
        if given in plain:
            name = plain[given]
            if answer == name.lstrip() != name:
                return f" is the class {name!r} without its leading space"
            return f" is the class {name!r} but for the spaces around it"
        if given.casefold() in folded:
            return f" is the class {plain[folded[given.casefold()]]!r} but for its capitals"
        close = get_close_matches(given.casefold()[:200], folded, 1, 0.8)
        return f": is the class {plain[folded[close[0]]]!r} meant?" if close else ""
