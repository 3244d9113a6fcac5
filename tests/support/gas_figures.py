"""Gas figures that are committed: what a test measures is compared with them; `GAS_UPDATE=1` writes them anew."""

from __future__ import annotations

import json
import os
from pathlib import Path

TOLERANCE = 0.005  # calldata holds addresses and hashes, of which more or fewer bytes are zero


def compare(file: Path, case: str, measured: dict[str, int]) -> None:
    """Holds `measured` (gas by call) to the figures of `case` in `file`; a failure shows each call before and after."""
    committed: dict[str, dict[str, int]] = json.loads(file.read_text()) if file.exists() else {}
    if os.environ.get("GAS_UPDATE"):
        file.write_text(json.dumps(committed | {case: measured}, indent=2) + "\n")
        return
    changes = differences(committed.get(case, {}), measured)
    assert not changes, "\n".join([f"gas, {case} (GAS_UPDATE=1 writes new figures):", *changes])


def differences(before: dict[str, int], after: dict[str, int]) -> list[str]:
    """A line for every call that came, went, or costs another sum by more than the tolerance."""
    lines = []
    for call in before | after:
        old, new = before.get(call), after.get(call)
        if old is None or new is None:
            lines.append(f"  {call}: {old or 'not there'} -> {new or 'not there'}")
        elif abs(new - old) > TOLERANCE * old:
            lines.append(f"  {call}: {old:,} -> {new:,} ({(new - old) / old:+.1%})")
    return lines
