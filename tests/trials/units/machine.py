"""A machine whose first process is systemd, in a container, with the programs and the units as docs/installing.md has
them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from containers.engine import inside
from installed.called import heard
from support.evm import ROOT

NAME = "trial-of-units"
IMAGE = "localhost/fednode-units"
UNITS = ROOT / "packaging/systemd"
SYSTEMD = "mount --make-rshared / && exec /lib/systemd/systemd"  # as on a machine; credentials are mounts
CGROUP = Path("/sys/fs/cgroup/systemd")  # where a host still has systemd's own hierarchy
BOOTS = 60  # seconds
MADE_OF = """
FROM localhost/fednode
USER root
RUN apt-get update -q && apt-get install -y -q --no-install-recommends systemd
RUN mkdir -p /opt/federation/bin /etc/federation /srv/federation \\
 && ln -s $(which fednode) $(which fedaggregator) /opt/federation/bin/
COPY *.service /etc/systemd/system/
"""


def build(engine: str) -> None:
    """The image: that of `make containers`, and Debian's systemd."""
    words = [engine, "build", "--quiet", "--tag", IMAGE, "--file", "-", str(UNITS)]
    subprocess.run(words, input=MADE_OF, text=True, check=True)


@dataclass(frozen=True)
class Machine:
    """The users' programs run as the account of the units; services are systemd's. A file of this machine below
    `folder` has the same path there, and stands below /srv/federation too."""

    engine: str
    folder: Path

    def run(self, words: list[str], cwd: Path, password: str) -> str:
        self._give(cwd)
        seen = ["--user", "federation", "--workdir", str(cwd), "--env", "FEDNODE_PASSWORD"]
        return heard([self.engine, "exec", *seen, NAME, *words], cwd, {**os.environ, "FEDNODE_PASSWORD": password})

    def start(self, words: list[str], cwd: Path, password: str) -> Service:
        """The unit of the program, for the folder `cwd`; the password is where only root can read it."""
        self._give(cwd)
        self.root(["sh", "-c", f"umask 077 && printf %s '{password}' > {self.password_of(cwd.name)}"])
        service = Service(self, f"{words[0]}@{cwd.name}")
        self.root(["systemctl", "start", service.unit])
        return service

    def root(self, words: list[str]) -> str:
        """What a command of the machine's administrator prints. Raises SystemExit if it fails."""
        done = inside(self.engine, NAME, words, "--user", "0")
        if done.returncode:
            raise SystemExit(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def password_of(self, name: str) -> str:
        """The file that the unit of this name reads."""
        return f"/etc/federation/{name}.password"

    def can_read(self, account: str, file: str) -> bool:
        return inside(self.engine, NAME, ["cat", file], "--user", account).returncode == 0

    def _give(self, cwd: Path) -> None:
        self.root(["chown", "-R", "federation:", str(cwd)])


@dataclass(frozen=True)
class Service:
    """One unit."""

    machine: Machine
    unit: str

    def shown(self, name: str) -> str:
        """A property, as systemd has it."""
        return self.machine.root(["systemctl", "show", "--value", "--property", name, self.unit]).strip()

    def journal(self) -> str:
        return self.machine.root(["journalctl", "--no-pager", "--quiet", "--unit", self.unit])

    def terminate(self) -> None:
        self.machine.root(["systemctl", "stop", "--no-block", self.unit])

    def wait(self, timeout: float) -> int:
        """Until it has stopped. Returns the status of its last process; -1: a signal ended it."""
        deadline = time.monotonic() + timeout
        while self.shown("ActiveState") not in ("inactive", "failed"):
            if time.monotonic() > deadline:
                raise SystemExit(f"{self.unit} does not stop:\n{self.journal()[-2000:]}")
            time.sleep(0.5)
        return -1 if self.shown("ExecMainCode") in ("2", "3") else int(self.shown("ExecMainStatus"))


@contextmanager
def booted(engine: str, folder: Path) -> Iterator[Machine]:
    """The machine, which ends with the block. Raises SystemExit if systemd does not come up."""
    subprocess.run([engine, "rm", "--force", NAME], capture_output=True)
    seen = [word for at in (folder, "/srv/federation") for word in ("--volume", f"{folder}:{at}")]
    if CGROUP.is_dir():
        seen += ["--volume", f"{CGROUP}:{CGROUP}"]
    options = ["--detach", "--privileged", "--systemd=always", "--network", "host", "--name", NAME]
    subprocess.run(
        [engine, "run", *options, *seen, "--entrypoint", "/bin/sh", IMAGE, "-c", SYSTEMD],
        check=True,
        capture_output=True,
    )
    try:
        machine = Machine(engine, folder)
        deadline = time.monotonic() + BOOTS
        while (up := inside(engine, NAME, ["systemctl", "is-system-running"])).stdout.strip() != "running":
            if time.monotonic() > deadline:
                raise SystemExit(f"systemd does not come up: {up.stdout.strip() or up.stderr}")
            time.sleep(0.5)
        yield machine
    finally:
        subprocess.run([engine, "rm", "--force", NAME], capture_output=True)
