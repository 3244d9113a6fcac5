"""python -m fedlab.experiment.rules lab/experiments/poison.toml docs/choosing-a-rule.md

Fills the page's tables from the cells in all_losses/experiments/<name>.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from fedprotocol.errors import FedError
from fedprotocol.files.whole import write_whole
from fedprotocol.program.terminal import run_program, say_error

from fedlab.experiment.definition import load_experiment
from fedlab.experiment.results import read_all
from fedlab.experiment.rules.page import filled
from fedlab.experiment.rules.tables import tables

RESULTS = Path("all_losses/experiments")


def main(arguments: Sequence[str]) -> int:
    """Write the page anew. Returns the exit status."""
    if len(arguments) != 2:
        print("usage: python -m fedlab.experiment.rules EXPERIMENT.toml PAGE.md", file=sys.stderr)
        return 2
    file, page = map(Path, arguments)
    try:
        experiment = load_experiment(file)
        found = tables(experiment, read_all(RESULTS / experiment.name))
        write_whole(page, filled(page.read_text(encoding="utf-8"), found))
    except FedError as error:
        say_error(error)
        return error.exit_code
    print(f"wrote {page}")
    return 0


if __name__ == "__main__":
    run_program(lambda: sys.exit(main(sys.argv[1:])))
