"""A file of any kind that is read, as JSONL."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from fedprotocol.errors import FedError
from fedprotocol.files.whole import PRIVATE, written_whole
from fedprotocol.foreign_errors import told_as

from fednode.data.columns import Columns
from fednode.data.problems import Problems
from fednode.data.read import rows_in
from fednode.data.rows import DataError, Problem
from fednode.data.source import Progress
from fednode.data_source import HfSplit, Portion


class _NotAll(FedError):
    """A row cannot be used, so that nothing is written."""


def convert(
    source: Path | HfSplit | Portion,
    out: Path,
    columns: Columns | None = None,
    leave_out: bool = False,
    progress: Progress | None = None,
    remark: Callable[[str], None] | None = None,
) -> tuple[int | None, list[str]]:
    """Write the rows of `source` to the new file `out`, whole or not at all. Returns how many were written, None if
    nothing was because of rows that cannot be used; and these, for a person. `leave_out` leaves such rows out, but not
    the rest of a file that cannot be read beyond one of them. `remark`: as in `rows_in`.

    Raises DataError if `source` cannot be read, there is no row, or `out` cannot be written.
    """
    if out.suffix.lower() != ".jsonl":
        raise DataError(f"{out}: the name of the new file must end in .jsonl")
    if out.exists():
        raise DataError(f"{out} exists and is not overwritten: choose another name")
    problems, written, is_cut = Problems(), 0, False
    try:
        with told_as(DataError, f"{out}: cannot be written"), written_whole(out, PRIVATE, new=True) as file:
            for found in rows_in(source, columns, progress, remark):
                if isinstance(found, Problem):
                    problems.add(found)
                    is_cut |= found.hides_the_rest
                    continue
                row = found[1]
                record = {"prompt": row.prompt, "completion": row.completion}
                record |= {} if row.domain is None else {"domain": row.domain}
                file.write((json.dumps(record, ensure_ascii=False) + "\n").encode())
                written += 1
            if is_cut or (problems.count and not leave_out):
                raise _NotAll
            if not written:
                raise DataError("\n".join([f"{source}: there is not one usable row in it", *problems.lines()]))
    except _NotAll:
        return None, problems.lines()
    return written, problems.lines()
