"""`make compose`: packaging/containers/compose.yaml as a whole is one site of a federation.

Its node trains beside two other sites and an aggregator, which run in containers of their own, until two rounds are
final. Its Kubo is everybody's store. After the first round every service is asked for its health, Prometheus for the
node's figures and its alert rules, and the explorer for its page.
Needs the images of `make containers`, podman-compose or docker compose, anvil (`make setup`), and the images that the
file names: Kubo, Prometheus and, without `--no-grafana`, Grafana.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from containers.engine import FOLDER, found, owner
from installed.federation import Federation, founded, told
from support.evm import ROOT
from support.short_rounds import edit

from compose.site import FIRST, HOST, STORE, Beside, Site


def main() -> int:
    parser = argparse.ArgumentParser(prog="make compose", description=__doc__)
    parser.add_argument("--no-grafana", action="store_true", help="leave Grafana out, where its image is not to be had")
    parser.add_argument("--base", help="the image with Python that the images are made from")
    given = parser.parse_args()
    engine = found()
    user = owner()
    with tempfile.TemporaryDirectory() as name, ExitStack() as closing:
        folder = Path(name)
        folder.chmod(0o755)
        place, federated = copied(folder / "repository") / FOLDER.relative_to(ROOT), folder / "federation"
        site = Site(engine, place, federated / FIRST, user, without=("grafana",) if given.no_grafana else ())
        closing.callback(site.down)
        site.down()  # what an earlier trial left that was killed
        began = time.monotonic()
        site.build(given.base)
        print(f"built in {time.monotonic() - began:.0f} s", flush=True)
        site.up(["kubo"])
        site.wait_for_health("kubo")
        began = time.monotonic()
        programs = Beside(engine, folder, user, site)
        everywhere = ("--host", "0.0.0.0")  # noqa: S104 - containers reach this machine by another address
        with founded(programs, federated, STORE, everywhere) as federation:
            in_a_container(federation)
            with federation.running():
                federation.until_final(1)
                wrong = site.found_wrong()
                losses = federation.rounds()
            federation.close()
        print(told(began, losses))
    print("\n".join(wrong) or "every service is healthy, and tells what it should")
    return 1 if wrong else 0


def copied(folder: Path) -> Path:
    """The repository's files, from which the compose file builds its images, in a new folder."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    for name in subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")[:-1]:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def in_a_container(federation: Federation) -> None:
    """Has the first site's files name what a container can reach."""
    site, url = federation.sites[0], federation.chain.url
    (invitation,) = (federation.folder / "sponsor/deployments").glob("*.invitation.json")
    shutil.copy(invitation, site / "invitation.json")
    for file in (site / "fednode.toml", site / "invitation.json"):
        file.write_text(file.read_text().replace(url, f"http://{HOST}:{url.rsplit(':')[-1]}"))
    edit(site / "fednode.toml", {f'url = "{STORE}"': 'url = "kubo:http://kubo:5001"'})


if __name__ == "__main__":
    raise SystemExit(main())
