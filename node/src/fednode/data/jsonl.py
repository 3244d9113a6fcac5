"""JSON Lines: one object a line."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fedprotocol.files.text import without_bom


def jsonl_records(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """Line numbers, each with its object or with what is wrong with it. Raises OSError."""
    for number, line in enumerate(without_bom(path.read_bytes()).split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line.decode("utf-8"))
        except UnicodeDecodeError as error:
            yield number, f"is not UTF-8 text (byte {error.start + 1})"
        except json.JSONDecodeError as error:
            yield number, f"is not valid JSON: {error.msg} (column {error.colno})"
        except (RecursionError, ValueError):
            yield number, "is not valid JSON: nested too deep or a number too long"
        else:
            yield number, value if isinstance(value, dict) else "is not a JSON object"
