"""Programs that are called: one that is heard to its end, and one that goes on."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

SECONDS = 300  # for what is heard to its end


def heard(command: Sequence[str], cwd: Path, variables: Mapping[str, str]) -> str:
    """What a program prints that must succeed. Raises SystemExit if it does not."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def going_on(command: Sequence[str], cwd: Path, variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """A program that goes on; what it says is in `cwd`/console.txt."""
    with (cwd / "console.txt").open("ab") as console:
        return subprocess.Popen(
            command, cwd=cwd, env=variables, stdin=subprocess.DEVNULL, stdout=console, stderr=console
        )
