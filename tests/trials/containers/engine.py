"""Images of the programs, and containers of them, by podman or docker, as packaging/containers describes them."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from installed.called import going_on, heard
from support.evm import ROOT

FOLDER = ROOT / "packaging/containers"
SERVICES: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]
IMAGES = {"fednode": "node", "fedaggregator": "aggregator"}
"""The programs: each is the entry point of an image of its name, which is this target of the Dockerfile."""
ENGINES = ("podman", "docker")


STARTS = 300  # seconds, as the compose file gives a node
STRANGER = "12345:12345"


def found() -> str:
    """The first engine that is there. Raises SystemExit if there is none."""
    engine = next(filter(shutil.which, ENGINES), None)
    if engine is None:
        raise SystemExit("error: there is no container engine: `apt-get install podman` brings one")
    return engine


def owner() -> str:
    """ "uid:gid" that no image knows and that may own the trial's files: a stranger's, or whoever's trial it is."""
    return STRANGER if os.geteuid() == 0 else f"{os.geteuid()}:{os.getegid()}"


def build(engine: str, program: str, arguments: dict[str, str]) -> None:
    """The image of `program`, with these build arguments of the Dockerfile."""
    given = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
    # docker finds the file itself; podman looks for it in the context only
    ignored = ["--ignorefile", str(FOLDER / "Dockerfile.dockerignore")] if engine == "podman" else []
    words = ["build", *ignored, "--file", str(FOLDER / "Dockerfile"), "--target", IMAGES[program], "--tag", program]
    subprocess.run([engine, *words, *given, str(ROOT)], check=True)


@dataclass(frozen=True)
class Containers:
    """Programs in containers that are as shut in as the compose file says, and see one `folder` and this machine's
    network. `user`: "uid:gid", which no image knows, as a site's owner is unknown there."""

    engine: str
    folder: Path
    user: str

    def run(self, words: list[str], cwd: Path, password: str) -> str:
        return heard(self._command(words, cwd), cwd, _variables(password))

    def start(self, words: list[str], cwd: Path, password: str) -> Container:
        name = f"trial-{cwd.name}"
        program = going_on(self._command(words, cwd, "--name", name), cwd, _variables(password))
        return Container(self.engine, name, program)

    def _command(self, words: list[str], cwd: Path, *options: str) -> list[str]:
        for path in (cwd, *cwd.rglob("*")):  # what the trial itself has written there
            if os.geteuid() == 0 and not path.is_symlink():
                os.chown(path, *map(int, self.user.split(":")))
        service = next(one for one in SERVICES.values() if one.get("build", {}).get("target") == IMAGES[words[0]])
        shut_in = ["--read-only"] * service["read_only"]
        shut_in += [word for path in service["tmpfs"] for word in ("--tmpfs", path)]
        shut_in += [word for name in service["cap_drop"] for word in ("--cap-drop", name)]
        shut_in += [word for rule in service["security_opt"] for word in ("--security-opt", rule)]
        seen = ["--network", "host", "--volume", f"{self.folder}:{self.folder}", "--workdir", str(cwd)]
        known = ["--user", self.user, "--env", "FEDNODE_PASSWORD"]
        return [self.engine, "run", "--rm", *shut_in, *seen, *known, *options, f"localhost/{words[0]}", *words[1:]]


@dataclass(frozen=True)
class Container:
    """One that runs in the foreground of `program`."""

    engine: str
    name: str
    program: subprocess.Popen[bytes]

    def terminate(self) -> None:
        """As the engine stops a container: SIGTERM to its first process. One that has ended by itself is left."""
        subprocess.run([self.engine, "kill", "--signal", "TERM", self.name], capture_output=True)

    def wait(self, timeout: float) -> int:
        return self.program.wait(timeout)


def checked(engine: str, name: str, service: str) -> subprocess.CompletedProcess[str]:
    """How the health check of the compose file's `service` ends in the container `name`, once it is healthy, or after
    as long as the file gives a node to start."""
    deadline = time.monotonic() + STARTS
    while (asked := inside(engine, name, SERVICES[service]["healthcheck"]["test"][1:])).returncode:
        if time.monotonic() > deadline:
            break
        time.sleep(1)
    return asked


def inside(engine: str, name: str, words: list[str], *options: str) -> subprocess.CompletedProcess[str]:
    """A command in the running container `name`; `options`: of the engine's `exec`."""
    return subprocess.run([engine, "exec", *options, name, *words], capture_output=True, text=True, timeout=60)


def _variables(password: str) -> dict[str, str]:
    return {**os.environ, "FEDNODE_PASSWORD": password}
