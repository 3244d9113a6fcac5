"""`make installed`: wheels in an empty environment, and a federation from an empty folder, without the repository.

For each Python that is there: the wheels and what they ask for are installed with pip. Then a sponsor makes a spec, a
federation file and a federation, three sites and an aggregator join and bring two rounds to their end, and the sponsor
closes it.
Needs anvil (`make setup`) and a registry.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from installed.environment import build_wheels, install, pythons
from installed.federation import founded, told


def main() -> int:
    parser = argparse.ArgumentParser(prog="make installed", description=__doc__)
    parser.add_argument(
        "versions", nargs="*", help="only these versions of Python, such as 3.12; default: all that are there"
    )
    wanted = parser.parse_args().versions
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build_wheels(folder / "wheels")
        for version, python in pythons():
            if wanted and version not in wanted:
                continue
            began = time.monotonic()
            environment = install(python, folder / f"python-{version}", folder / "wheels")
            ready = time.monotonic()
            with founded(environment, folder / f"federation-{version}") as federation:
                with federation.running():
                    losses = federation.rounds()
                federation.close()
            print(f"Python {version}: installed in {ready - began:.0f} s; {told(ready, losses)}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
