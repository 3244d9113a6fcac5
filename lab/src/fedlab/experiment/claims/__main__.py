"""python -m fedlab.experiment.claims lab/experiments/claims.toml all_losses

Besides the cells, it reads on_chain.json and needs.json in all_losses/experiments/<name>, and in
all_losses/experiments/<name>-elsewhere the same cells as another machine computed them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fedprotocol.errors import FedError
from fedprotocol.files.whole import write_whole
from fedprotocol.program.terminal import run_program, say_error

from fedlab.experiment.claims import Beside, page
from fedlab.experiment.definition import load_experiment
from fedlab.experiment.results import read_all


def main(arguments: Sequence[str]) -> int:
    """Write the page. Returns the exit status."""
    if len(arguments) != 2:
        print("usage: python -m fedlab.experiment.claims EXPERIMENT.toml all_losses", file=sys.stderr)
        return 2
    file, folder = map(Path, arguments)
    try:
        experiment = load_experiment(file)
        results = folder / "experiments"
        mine = results / experiment.name
        beside = Beside(
            elsewhere=read_all(results / f"{experiment.name}-elsewhere"),
            on_chain=_json(mine / "on_chain.json"),
            needs=_json(mine / "needs.json"),
            plots=[path.relative_to(folder).as_posix() for path in sorted((mine / "plots").glob("*.png"))],
        )
        write_whole(folder / "README.md", page(experiment, read_all(mine), beside))
    except FedError as error:
        say_error(error)
        return error.exit_code
    print(f"wrote {folder / 'README.md'}")
    return 0


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


if __name__ == "__main__":
    run_program(lambda: sys.exit(main(sys.argv[1:])))
