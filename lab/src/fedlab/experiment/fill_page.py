"""The tables of a page, filled from the cells in all_losses/experiments/<name>."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from fedprotocol.errors import FedError
from fedprotocol.files.whole import write_whole
from fedprotocol.program.terminal import say_error

from fedlab.experiment.definition import Experiment, load_experiment
from fedlab.experiment.results import CellResult, read_all
from fedlab.experiment.rules.page import filled

RESULTS = Path("all_losses/experiments")
Tables = Callable[[Experiment, Sequence[CellResult]], dict[str, str]]


def fill_page(module: str, tables: Tables, arguments: Sequence[str]) -> int:
    """Write the page anew. `module`: how the command is called; `arguments`: the experiment file and the page. Returns
    the exit status."""
    if len(arguments) != 2:
        print(f"usage: python -m {module} EXPERIMENT.toml PAGE.md", file=sys.stderr)
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
