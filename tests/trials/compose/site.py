"""One site, as packaging/containers/compose.yaml has it, by podman-compose or docker compose."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from containers.engine import SERVICES, Containers, checked, inside
from installed.federation import PASSWORD, PORT, Running

HOST = "host.containers.internal"
"""How a container reaches this machine; what of it listens to all addresses."""

STORE = "kubo:http://127.0.0.1:5001"
"""The site's Kubo, as the trial shows it to the other sites on this machine."""

TRIAL = "trial.yaml"
FIRST = "site-0"
ASKED = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=10).read().decode())"


class Site:
    """The compose file in `place`, a copy of its folder, for the site in `place`/site. Only what this machine needs is
    added: where the base model is, how a container finds the chain, and Kubo's port for the other sites."""

    def __init__(self, engine: str, place: Path, folder: Path, user: str, without: Sequence[str]) -> None:
        """`folder`: the site's own, with the base model beside it. `without`: services that are left out."""
        self._engine = engine
        self._place = place
        self._user = user
        self.services = [name for name in SERVICES if name not in without]
        (place / "site").symlink_to(folder)
        (place / "fed-password.txt").write_text(PASSWORD)
        (place / "fed-password.txt").chmod(0o600)
        if os.geteuid() == 0:
            os.chown(place / "fed-password.txt", *map(int, user.split(":")))
        here = {} if self._is_podman else {"extra_hosts": [f"{HOST}:host-gateway"]}  # podman has it by itself
        added: dict[str, Any] = {
            "node": {**here, "volumes": [f"{folder.with_name('model')}:/model:ro"]},
            "explorer": here,
            "kubo": {"ports": ["127.0.0.1:5001:5001"]},
        }
        (place / TRIAL).write_text(yaml.safe_dump({"services": added}))

    def build(self, base: str | None) -> None:
        """The images of our own programs, from the image `base` instead of the file's."""
        self._compose(["build", *(["--build-arg", f"BASE={base}"] if base else []), "node", "explorer"])

    def up(self, services: Sequence[str]) -> None:
        self._compose(["up", "--detach", "--no-build", *services])

    def down(self) -> None:
        self._compose(["down", "--volumes"])

    def status(self, service: str) -> int:
        """With which status the service's container ended. Raises SystemExit if it goes on."""
        state = self._state(service)
        if state["Running"]:
            raise SystemExit(f"{service} goes on")
        return int(state["ExitCode"])

    def stop(self) -> None:
        self._compose(["stop", "node"])

    def wait_for_health(self, service: str) -> None:
        """Raises SystemExit with what the service says if it does not pass its own check."""
        if checked(self._engine, self._name(service), service).returncode == 0:
            return
        said = subprocess.run([self._engine, "logs", self._name(service)], capture_output=True, text=True)
        raise SystemExit(f"{service} is not healthy:\n{said.stdout[-3000:]}{said.stderr[-3000:]}")

    def found_wrong(self) -> list[str]:
        """What the services do not do."""
        for service in self.services:
            self.wait_for_health(service)
        wrong = []
        figures = self._read("node", f"http://127.0.0.1:{PORT}/metrics")
        names = {line.split("{")[0].split()[0] for line in figures.splitlines() if line and not line.startswith("#")}
        prometheus = "http://127.0.0.1:9090/api/v1"  # it shares the node's network
        up = json.loads(self._read("node", f"{prometheus}/query?query=up"))["data"]["result"]
        if [one["value"][1] for one in up] != ["1"]:
            wrong.append(f"Prometheus does not reach the node: {up}")
        known = json.loads(self._read("node", f"{prometheus}/label/__name__/values"))["data"]
        if missing := names - set(known):
            wrong.append(f"Prometheus does not know {sorted(missing)}")
        groups = json.loads(self._read("node", f"{prometheus}/rules"))["data"]["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        if not rules or any(rule["health"] == "err" for rule in rules):
            wrong.append(f"alert rules that do not work: {[rule for rule in rules if rule['health'] == 'err']}")
        if "Round 1" not in self._read("explorer", "http://127.0.0.1:8600/rounds/1"):
            wrong.append("the explorer does not show round 1")
        return wrong

    def told(self, words: Sequence[str]) -> str:
        """What a command of `fednode` prints, in a container of its own, as `join` is run."""
        return self._compose(["run", "--rm", "--no-deps", "-T", "node", *words])

    def _read(self, service: str, url: str) -> str:
        asked = inside(self._engine, self._name(service), ["python", "-c", ASKED, url])
        if asked.returncode:
            raise SystemExit(f"{service} cannot read {url}: {asked.stderr[-500:]}")
        return asked.stdout

    def _state(self, service: str) -> dict[str, Any]:
        command = [self._engine, "inspect", self._name(service)]
        shown = subprocess.run(command, capture_output=True, text=True, check=True)
        state: dict[str, Any] = json.loads(shown.stdout)[0]["State"]
        return state

    def _name(self, service: str) -> str:
        return ("_" if self._is_podman else "-").join(("federation", service, "1"))

    @property
    def _is_podman(self) -> bool:
        return self._engine == "podman"

    def _compose(self, words: Sequence[str]) -> str:
        program = ["podman-compose"] if self._is_podman else ["docker", "compose"]
        command = [*program, "--file", "compose.yaml", "--file", TRIAL, *words]
        variables = {**os.environ, "FED_USER": self._user}
        done = subprocess.run(command, cwd=self._place, env=variables, text=True, capture_output=True)
        if done.returncode:
            said = f"{done.stdout[-5000:]}{done.stderr[-5000:]}"
            raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{said}")
        return done.stdout


@dataclass(frozen=True)
class Node:
    """The node's service, as `installed.federation.Running`."""

    site: Site

    def terminate(self) -> None:
        self.site.stop()

    def wait(self, timeout: float) -> int:  # noqa: ARG002 - compose has waited for it
        return self.site.status("node")


@dataclass(frozen=True)
class Beside(Containers):
    """Programs in containers beside those of the compose file, which is the first site while it runs."""

    site: Site

    def run(self, words: list[str], cwd: Path, password: str) -> str:
        if cwd.name == FIRST and words[:2] == ["fednode", "rounds"]:
            return self.site.told(words[1:])
        return super().run(words, cwd, password)

    def start(self, words: list[str], cwd: Path, password: str) -> Running:
        if cwd.name != FIRST:
            return super().start(words, cwd, password)
        self.site.up(self.site.services)
        return Node(self.site)
