"""python -m fedlab.experiment.rules lab/experiments/poison.toml docs/choosing-a-rule.md

Fills the page's tables from the cells in all_losses/experiments/<name>.
"""

from __future__ import annotations

import sys

from fedprotocol.program.terminal import run_program

from fedlab.experiment.fill_page import fill_page
from fedlab.experiment.rules.tables import tables

if __name__ == "__main__":
    run_program(lambda: sys.exit(fill_page("fedlab.experiment.rules", tables, sys.argv[1:])))
