"""The commands that README.md prints, in its order."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def commands(heading: str, document: Path = ROOT / "README.md") -> list[list[str]]:
    """Every command line in the code blocks under `## heading`, without comments, as words."""
    text = document.read_text()
    section = text[text.index(f"\n## {heading}\n") + 1 :].partition("\n## ")[0]
    blocks = re.findall(r"^```\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.strip()]
