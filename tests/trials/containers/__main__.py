"""`make containers`: the images are built, and a federation runs in containers of them.

A sponsor, three sites and an aggregator bring two rounds to their end, each in containers that are shut in as
packaging/containers/compose.yaml says. The node is asked by the health check of that file.
Needs podman or docker, anvil (`make setup`), and a registry for the images' packages.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from installed.federation import ROUNDS, founded

from containers.engine import IMAGES, SERVICES, Containers, build, found, inside

STRANGER = "12345:12345"
STARTS = 300  # seconds, as the compose file gives a node


def main() -> int:
    parser = argparse.ArgumentParser(prog="make containers", description=__doc__)
    parser.add_argument("--base", help="the image with Python that the images are made from")
    parser.add_argument("--torch-index", help="where pip finds torch, such as https://download.pytorch.org/whl/cpu")
    parser.add_argument("--no-build", action="store_true", help="take the images that were built before")
    given = parser.parse_args()
    engine = found()
    if engine is None:
        print("error: there is no container engine: `apt-get install podman` brings one")
        return 1
    arguments = {"BASE": given.base, "TORCH_INDEX": given.torch_index}
    for program in () if given.no_build else IMAGES:
        began = time.monotonic()
        build(engine, program, {name: value for name, value in arguments.items() if value})
        print(f"{program}: built in {time.monotonic() - began:.0f} s", flush=True)
    user = STRANGER if os.geteuid() == 0 else f"{os.geteuid()}:{os.getegid()}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        began = time.monotonic()
        with founded(Containers(engine, folder, user), folder / "federation") as federation:
            with federation.running():
                wrong = found_wrong(engine)
                losses = federation.rounds()
            federation.close()
        said = f"loss {losses[0]:.3f} after the first and {losses[-1]:.3f} after the last"
        print(f"{ROUNDS} rounds in {time.monotonic() - began:.0f} s, {said}")
    print("\n".join(wrong) or "as shut in as the compose file says, and healthy")
    return 1 if wrong else 0


def found_wrong(engine: str) -> list[str]:
    """What must not be, in the first site's running container, once it has started."""
    site = "trial-site-0"
    healthy = SERVICES["node"]["healthcheck"]["test"][1:]
    deadline = time.monotonic() + STARTS
    while (asked := inside(engine, site, healthy)).returncode and time.monotonic() < deadline:
        time.sleep(1)
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
