"""Change a TOML config file that a program wrote."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from support.sites import toml


def rewrite(path: Path, **tables: dict[str, Any]) -> None:
    """Set keys of flat tables; comments are lost."""
    content = tomllib.loads(path.read_text())
    top = {key: value for key, value in content.items() if not isinstance(value, dict)}
    named = {key: value for key, value in content.items() if isinstance(value, dict)}
    for name, table in tables.items():
        named[name] = {**named.get(name, {}), **table}
    path.write_text(toml({"": top, **named}))
