"""Which data files were found right, so that no start of a node judges all their rows again."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from fedprotocol.files.private import private_folder
from fedprotocol.files.whole import PRIVATE, write_whole

from fednode.data.content import Content

_ENDING = "-right.json"


class Verdicts:
    """In a private `folder`, one small file for each data file. It holds keys and a count, and nothing of a row."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def rows(self, content: Content, judged_by: str) -> int | None:
        """How many rows a file has that was found right as it is, by the same measure; None: that is not known.

        `judged_by`: 32 hex digits that tell the measure, such as the spec.
        """
        with suppress(OSError, ValueError, TypeError, KeyError):  # without a verdict, the rows are judged
            found = json.loads(self._file(content).read_bytes())
            if (found["content"], found["judged_by"]) == (content.key, judged_by):
                return int(found["rows"])
        return None

    def note(self, content: Content, judged_by: str, rows: int) -> None:
        """Note that it is right. Where nothing can be written, its rows are judged again next time."""
        found = {"content": content.key, "judged_by": judged_by, "rows": rows}
        with suppress(OSError):
            private_folder(self._folder)
            write_whole(self._file(content), json.dumps(found), PRIVATE, synced=False)

    def _file(self, content: Content) -> Path:
        return self._folder / f"{content.source}{_ENDING}"
