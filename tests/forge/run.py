"""Runs forge, and says at the end how much was tried: fuzz cases, calls of the invariants' handler, what these came to.

Arguments go to `forge test`. Exit status: forge's, or 1 if some kind of call never succeeded: the histories would prove
less than they seem to.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SEEN = ROOT / ".tools/forge/seen"  # Handler.report writes there
NEVER = {  # must not succeed
    "convict, unproven",
    "challenge, forged",
    "challenge, too late",
    "impeach, in range",
    "propose, too early",
    "propose, other inputs",
}
RUNS = re.compile(r"\(runs: (\d+)(?:, calls: (\d+))?")


def main(arguments: list[str]) -> int:
    shutil.rmtree(SEEN, ignore_errors=True)
    SEEN.mkdir(parents=True)
    begun = time.monotonic()
    status, cases, calls = _forge(arguments)
    profile, seconds = os.environ.get("FOUNDRY_PROFILE", "default"), time.monotonic() - begun
    print(f"\nforge, profile {profile}: {cases:,} fuzz cases, {calls:,} invariant calls, {seconds:.0f} s")
    idle = [f"{path.stem}: {kind}" for path in sorted(SEEN.glob("*.csv")) for kind in _table(path)]
    if idle:
        print("never succeeded: " + ", ".join(idle))
    return status or bool(idle)


def _forge(arguments: list[str]) -> tuple[int, int, int]:
    """Its exit status; fuzz cases and invariant calls by its own account."""
    cases = calls = 0
    command = [str(ROOT / ".tools/bin/forge"), "test", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as forge:
        assert forge.stdout is not None
        for line in forge.stdout:
            print(line, end="", flush=True)
            if match := RUNS.search(line):
                calls += int(match[2] or 0)
                cases += 0 if match[2] else int(match[1])
    return forge.returncode, cases, calls


def _table(path: Path) -> list[str]:
    """Prints what a handler's histories came to; returns the kinds of calls that never succeeded and should have."""
    histories = {block for block in path.read_text().split("#\n") if block}  # forge plays the last one twice
    rows: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for history in histories:
        for line in history.splitlines():
            kind, done, refused, gas = line.split(";")
            row = rows[kind]
            row[:] = row[0] + int(done), row[1] + int(refused), max(row[2], int(gas))
    print(f"\n{path.stem}: {len(histories)} histories{'done':>20}{'refused':>12}{'most gas':>12}")
    for kind, (done, refused, gas) in sorted(rows.items(), key=lambda row: (row[0][0] == "=", row)):
        figures = f"{refused:>12,}{gas:>12,}" if kind[0] != "=" else ""
        print(f"  {kind.removeprefix('= '):<32}{done:>10,}{figures}")
    return [kind for kind, (done, _, _) in rows.items() if not done and kind not in NEVER]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
