"""How good the globals are, as nodes or other programs have written it down: the chain does not know it.

The form is that of `metrics/rounds.jsonl` in a node's home: a JSON object in each line, with `round` (0 is the
genesis), `loss`, `accuracy` (0 to 1, or null), and, if they are there, `items` and `global_root`. Whatever else stands
in a line does not matter.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

from fedprotocol.complaints import complaints
from fedprotocol.config import ConfigError
from fedprotocol.files.text import NotText, read_text
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fedexplorer.scores import Score

log = logging.getLogger(__name__)

MOST_BYTES = 64 << 20


class Measured(BaseModel):
    """An evaluation of one global on one set of test items; see `Score`."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    round: Annotated[int, Field(ge=0)]
    loss: Annotated[float, Field(ge=0)]
    accuracy: Annotated[float, Field(ge=0, le=1)] | None = None
    items: Annotated[int, Field(ge=1)] = 1
    global_root: Annotated[str, Field(pattern="^0x[0-9a-fA-F]{64}$")] | None = None


class ScoreFiles:
    """Files that may grow while they are watched, or be written only later."""

    def __init__(self, paths: Sequence[Path] = ()) -> None:
        self._paths = tuple(paths)
        self._known: dict[Path, tuple[object, tuple[Measured, ...]]] = {}

    def check(self) -> None:
        """Read every file that is there already. Raises ConfigError, which names what is wrong."""
        for path in self._paths:
            if path.exists():
                read_scores(path)

    def measured(self) -> list[Measured]:
        """All that stands in the files now. A file that cannot be read counts as it was, and the log says why."""
        return [entry for path in self._paths for entry in self._of(path)]

    def _of(self, path: Path) -> tuple[Measured, ...]:
        state, before = self._known.get(path, (None, ()))
        try:
            found = path.stat()
        except OSError:
            return before
        now = (found.st_mtime_ns, found.st_size, found.st_ino)
        if now != state:
            try:
                before = read_scores(path)
            except ConfigError as error:
                log.warning("%s", error)
            self._known[path] = (now, before)
        return before


def read_scores(path: Path) -> tuple[Measured, ...]:
    """The evaluations in a file. Raises ConfigError, which names the file and the line."""
    where = f"the scores file {path}"
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ConfigError(f"{where} is larger than {MOST_BYTES >> 20} MiB: is it another file?")
        lines = read_text(path).split("\n")
    except OSError as error:
        raise ConfigError(f"{where} cannot be read: {error.strerror}") from None
    except NotText as error:
        raise ConfigError(f"{where} {error}") from None
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found.append(Measured.model_validate_json(line))
        except ValidationError as error:
            raise ConfigError(f"{where}, line {number}: {'; '.join(complaints(error, 'the line'))}") from None
    return tuple(found)


def pooled(measured: Iterable[Measured], roots: Mapping[int, bytes]) -> dict[int, Score]:
    """The scores by round, all test sets of a round taken together as one.

    Args:
        roots: the globals of the rounds by the chain, 0 for the genesis. An evaluation that names another root, or is
            of a round without a global, does not count.
    """
    by_round: dict[int, list[Measured]] = defaultdict(list)
    for entry in measured:
        root = roots.get(entry.round)
        if root is not None and (entry.global_root or "0x" + root.hex()).lower() == "0x" + root.hex():
            by_round[entry.round].append(entry)
    return {number: _together(number, entries) for number, entries in sorted(by_round.items())}


def _together(number: int, entries: Sequence[Measured]) -> Score:
    items = sum(entry.items for entry in entries)
    right = [entry.accuracy * entry.items for entry in entries if entry.accuracy is not None]
    return Score(
        round=number,
        loss=sum(entry.loss * entry.items for entry in entries) / items,
        accuracy=sum(right) / items if len(right) == len(entries) else None,
        items=items,
    )
