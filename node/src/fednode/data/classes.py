"""Whether answers begin as the spec's classes do: one that begins with none of them is never counted as right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

_SHOWN = 40  # characters of a completion


@dataclass(frozen=True)
class OffClass:
    """`count` completions begin with none of the spec's classes; `nearly`: the most frequent of them that does but for
    spaces and capitals, with the class it is nearly of."""

    count: int
    nearly: tuple[str, str] | None

    def __str__(self) -> str:
        begins = "completion begins" if self.count == 1 else "completions begin"
        text = f"{self.count} {begins} with none of the spec's classes"
        if self.nearly is None:
            return text
        given, wanted = self.nearly
        return f"{text}: {given[:_SHOWN]!r} where the class is {wanted!r}"


def off_class(
    completions: Iterable[str], classes: Sequence[str], first_token: Callable[[str], int | None] | None = None
) -> OffClass | None:
    """None if all begin with a class: with its first token, as evaluation has it; without `first_token` (the id of the
    token that a text begins with), with its text."""
    firsts = set() if first_token is None else set(map(first_token, classes))
    off: Counter[str] = Counter()
    for text, count in Counter(completions).items():
        if not (text.startswith(tuple(classes)) if first_token is None else first_token(text) in firsts):
            off[text] = count
    if not off:
        return None
    nearly = (_nearly(text, classes) for text, _ in off.most_common())
    return OffClass(off.total(), next(filter(None, nearly), None))


def _nearly(text: str, classes: Sequence[str]) -> tuple[str, str] | None:
    plain = text.strip().casefold()
    found = [name for name in classes if name.strip() and plain.startswith(name.strip().casefold())]
    return (text, max(found, key=len)) if found else None
