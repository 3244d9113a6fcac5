"""`make units`: a federation under systemd's units, on a machine whose first process is systemd.

A sponsor, three sites and an aggregator bring two rounds to their end, the sites and the aggregator as services. Before
that, a service is killed, which systemd starts again, and one has a config that only a person can mend, which it leaves
alone.
Needs root, podman, the images of `make containers`, anvil (`make setup`), and Debian's packages.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from fedprotocol.errors import FOR_A_PERSON
from installed.federation import PASSWORD, founded, told

from units.machine import Machine, Service, booted, build

ENGINE = "podman"
RESTARTS = 90  # seconds: the units wait for 30 of them


def main() -> int:
    argparse.ArgumentParser(prog="make units", description=__doc__).parse_args()
    build(ENGINE)
    with tempfile.TemporaryDirectory(dir="/srv") as name:  # the units hide /tmp and homes
        folder = Path(name)
        folder.chmod(0o755)
        with booted(ENGINE, folder) as machine:
            began = time.monotonic()
            with founded(machine, folder) as federation:
                left_alone(machine, folder / "broken")
                started_again(machine, folder)
                with federation.running():
                    losses = federation.rounds()
                federation.close()
            print(told(began, losses))
    return 0


def left_alone(machine: Machine, folder: Path) -> None:
    """A config that is wrong ends the service, and systemd does not try again."""
    folder.mkdir()
    (folder / "fednode.toml").write_text("[chain]\nrpc = 7\n")
    service = machine.start(["fednode", "run"], folder, "none")
    status = service.wait(60)
    assert (status, service.shown("NRestarts")) == (FOR_A_PERSON, "0"), service.journal()
    print(f"a wrong config: status {status}, and systemd leaves it alone")


def started_again(machine: Machine, folder: Path) -> None:
    """A service that is killed comes back, with the password, which nobody but root can read."""
    service = machine.start(["fednode", "run"], folder / "site-0", PASSWORD)
    _until(service, lambda: service.shown("ActiveState") == "active")
    first = service.shown("MainPID")
    machine.root(["systemctl", "kill", "--kill-whom", "main", "--signal", "KILL", service.unit])
    began = time.monotonic()
    _until(service, lambda: service.shown("NRestarts") == "1" and service.shown("ActiveState") == "active")
    assert service.shown("MainPID") != first and not machine.can_read("federation", machine.password_of("site-0"))
    print(f"killed: systemd starts it again after {time.monotonic() - began:.0f} s")


def _until(service: Service, reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + RESTARTS
    while not reached():
        if time.monotonic() > deadline:
            raise SystemExit(f"{service.unit} is {service.shown('ActiveState')}:\n{service.journal()[-2000:]}")
        time.sleep(0.5)


if __name__ == "__main__":
    raise SystemExit(main())
