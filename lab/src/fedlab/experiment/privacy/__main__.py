"""python -m fedlab.experiment.privacy lab/experiments/privacy.toml docs/privacy.md

Fills the page's tables from the cells in all_losses/experiments/<name>.
"""

from __future__ import annotations

import sys

from fedprotocol.program.terminal import run_program

from fedlab.experiment.fill_page import fill_page
from fedlab.experiment.privacy.tables import tables

if __name__ == "__main__":
    run_program(lambda: sys.exit(fill_page("fedlab.experiment.privacy", tables, sys.argv[1:])))
