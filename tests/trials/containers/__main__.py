"""`make containers`: the images are built, and a federation runs in containers of them.

A sponsor, three sites and an aggregator bring two rounds to their end, each in containers that are shut in as
packaging/containers/compose.yaml says. The node is asked by the health check of that file.
Needs podman or docker, anvil (`make setup`), and a registry for the images' packages.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from installed.federation import founded, told

from containers.engine import IMAGES, Containers, build, checked, found, inside, owner


def main() -> int:
    parser = argparse.ArgumentParser(prog="make containers", description=__doc__)
    parser.add_argument("--base", help="the image with Python that the images are made from")
    parser.add_argument("--torch-index", help="where pip finds torch, such as https://download.pytorch.org/whl/cpu")
    parser.add_argument("--no-build", action="store_true", help="take the images that were built before")
    given = parser.parse_args()
    engine = found()
    arguments = {"BASE": given.base, "TORCH_INDEX": given.torch_index}
    for program in () if given.no_build else IMAGES:
        began = time.monotonic()
        build(engine, program, {name: value for name, value in arguments.items() if value})
        print(f"{program}: built in {time.monotonic() - began:.0f} s", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        began = time.monotonic()
        with founded(Containers(engine, folder, owner()), folder / "federation") as federation:
            with federation.running():
                wrong = found_wrong(engine)
                losses = federation.rounds()
            federation.close()
        print(told(began, losses))
    print("\n".join(wrong) or "as shut in as the compose file says, and healthy")
    return 1 if wrong else 0


def found_wrong(engine: str) -> list[str]:
    """What must not be, in the first site's running container, once it has started."""
    site = "trial-site-0"
    asked = checked(engine, site, "node")
    wrong = []
    if inside(engine, site, ["id", "-u"]).stdout.strip() == "0":
        wrong.append("it runs as root")
    if inside(engine, site, ["touch", "/usr/written"], "--user", "0").returncode == 0:  # nobody else may in any case
        wrong.append("its file system can be written to")
    if asked.returncode:
        wrong.append(f"the health check fails: {asked.stderr[-300:]}")
    return wrong


if __name__ == "__main__":
    raise SystemExit(main())
