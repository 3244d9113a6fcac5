"""The brownie scripts in a copy of the project, so that nothing of a developer's checkout (build/, deployments/,
~/.brownie) is touched."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml
from fedprotocol.deployment.record import Deployment, load_deployment
from support.evm import ROOT
from support.specs import small_federation

CHAIN_ID = 31_999
BROWNIE = ROOT / ".venv/bin/brownie"
GROUP = "Federation"  # of the networks that tests add
MARK = "answer: "  # before an answer of brownie_batch.py


def plain(text: str) -> str:
    """Without the terminal's colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def check_refused(cases: dict[tuple[str, ...], str], answers: list[tuple[int, str]]) -> None:
    """Each call must have failed with its message."""
    for (call, message), (status, output) in zip(cases.items(), answers, strict=True):
        assert status == 1, (call, output)
        assert message in output, (call, output)


@dataclass
class Project:
    """A copy of the repository's contracts and scripts, with a home of its own."""

    folder: Path
    environment: dict[str, str]
    _server: subprocess.Popen[str] | None = None

    def brownie(self, *args: str, status: int = 0, **environment: str) -> str:
        """Output of a brownie command that must exit with `status`."""
        done = subprocess.run(
            [str(BROWNIE), *args],
            cwd=self.folder,
            env={**os.environ, **self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        assert done.returncode == status, done.stdout
        return plain(done.stdout)

    def network(self, name: str, host: str, chain_id: int) -> None:
        """What `brownie networks add` and `modify` do, without the seconds that brownie takes to start."""
        path = Path(self.environment["HOME"], ".brownie/network-config.yaml")
        known = yaml.safe_load(path.read_text())
        [ours] = [group for group in known["live"] if group["name"] == GROUP] or [{"name": GROUP, "networks": []}]
        others = [network for network in ours["networks"] if network["id"] != name]
        ours["networks"] = [*others, {"chainid": chain_id, "host": host, "id": name, "name": name}]
        known["live"] = [*(group for group in known["live"] if group["name"] != GROUP), ours]
        path.write_text(yaml.safe_dump(known))

    def development_port(self, port: int) -> None:
        """As `brownie networks modify development port=…`."""
        path = Path(self.environment["HOME"], ".brownie/network-config.yaml")
        known = yaml.safe_load(path.read_text())
        [development] = [network for network in known["development"] if network["id"] == "development"]
        development["cmd_settings"]["port"] = port
        path.write_text(yaml.safe_dump(known))

    def run(self, *args: str, status: int = 0, **environment: str) -> str:
        """`brownie run …` on the anvil that runs."""
        return self.brownie("run", *args, "--network", "fed-local", status=status, **environment)

    def batch(self, *calls: tuple[str, ...], **environment: str) -> list[tuple[int, str]]:
        """Exit status and output of each `brownie run …` on the anvil that runs, all in one brownie process, for their
        speed. It is started with the first call and serves until `stop`."""
        return [self._answer(call, environment) for call in calls]

    def _answer(self, call: tuple[str, ...], environment: dict[str, str]) -> tuple[int, str]:
        if self._server is None:
            self._server = subprocess.Popen(
                [str(BROWNIE), "run", "batch", "--network", "fed-local"],
                cwd=self.folder,
                env={**os.environ, **self.environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        asked, said = self._server.stdin, self._server.stdout
        assert asked is not None and said is not None
        asked.write(json.dumps({"args": call, "environment": environment}) + "\n")
        asked.flush()
        noise = []
        for line in said:
            if line.startswith(MARK):
                answer = json.loads(line.removeprefix(MARK))
                return answer["status"], plain(answer["output"])
            noise.append(line)
        raise AssertionError("brownie ended: " + "".join(noise))

    def stop(self) -> None:
        """End the process that serves `batch`: it keeps to the chain that it began with."""
        server, self._server = self._server, None
        if server is not None:
            server.communicate()

    def refused(self, cases: dict[tuple[str, ...], str], **environment: str) -> None:
        """Each call must fail with its message."""
        check_refused(cases, self.batch(*cases, **environment))

    def federation(self, text: str = "", name: str = "federation.toml") -> str:
        path = self.folder / name
        path.write_text(f'spec = "spec.json"\n{text}')
        return str(path)

    def deployment(self) -> Deployment:
        return load_deployment(self.folder / "deployments", CHAIN_ID)


def copied(folder: Path) -> Project:
    """A compiled copy in `folder`, with a spec beside it."""
    for name in ("contracts", "interfaces", "scripts", "build"):
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("deployments", "__pycache__"))
    shutil.copy(ROOT / "brownie-config.yaml", folder)
    shutil.copy(ROOT / "tests/support/brownie_batch.py", folder / "scripts/batch.py")
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    small_federation(folder / "spec.json")
    home = folder / "home"
    home.mkdir()
    environment = {
        "HOME": str(home),
        "SOLCX_BINARY_PATH": str(ROOT / ".tools/solcx"),
        "PATH": f"{ROOT / '.tools/bin'}:{os.environ['PATH']}",
    }
    made = Project(folder, environment)
    made.brownie("compile")
    return made
