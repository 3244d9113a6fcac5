"""CSV: a header that names `prompt`, `completion` and perhaps `domain`, then records."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fedprotocol.files.text import without_bom

from fednode.data.rows import DOMAIN, TEXTS

_LONGEST_FIELD = 1 << 24  # characters; csv's own limit of 131,072 is too short for documents
_COLUMNS = (*TEXTS, DOMAIN)


def csv_records(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """Line numbers, each with its record or with what is wrong with it. Raises OSError."""
    content = without_bom(path.read_bytes())
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        yield content.count(b"\n", 0, error.start) + 1, "is not UTF-8 text; save the file as UTF-8"
        return
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: Sequence[str] | None = None
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.line_num, f"is not valid CSV, and nothing after it can be read: {error}"
            return
        if not fields:
            continue
        if header is None:
            header = [name.strip() for name in fields]
            absent = [name for name in TEXTS if name not in header]
            doubled = [name for name in _COLUMNS if header.count(name) > 1]
            if absent or doubled:
                what = f"no column {' and '.join(absent)}" if absent else f"two columns named {doubled[0]}"
                yield reader.line_num, f"the header has {what}; it names: {', '.join(header)}"
                return
        elif len(fields) != len(header):
            yield reader.line_num, f"has {len(fields)} fields, the header {len(header)}"
        else:
            record = dict(zip(header, fields, strict=True))
            yield reader.line_num, {name: record.get(name) for name in _COLUMNS}
