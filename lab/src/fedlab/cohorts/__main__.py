"""python -m fedlab.cohorts docs/cohorts.md

Fills the page's tables.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fedprotocol.files.whole import write_whole
from fedprotocol.program.terminal import run_program

from fedlab.cohorts.tables import tables
from fedlab.experiment.rules.page import filled


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python -m fedlab.cohorts PAGE.md")
    page = Path(sys.argv[1])
    write_whole(page, filled(page.read_text(encoding="utf-8"), tables()))
    print(f"wrote {page}")


if __name__ == "__main__":
    run_program(main)
