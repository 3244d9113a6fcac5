"""The brownie scripts, run as an operator would run them on a chain that is already running."""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

from fedprotocol.program import environment

from fedlab.demo.anvil import Chain
from fedlab.demo.options import DemoError, Paths
from fedlab.demo.supervisor import Supervisor

NETWORK = "federation-demo"
TIMEOUT = 600.0  # seconds; the first run compiles the contracts


class Brownie:
    """`brownie run` on one chain, with a separate HOME, so that other projects' networks are neither seen nor
    changed."""

    def __init__(self, supervisor: Supervisor, paths: Paths, chain: Chain) -> None:
        self._supervisor = supervisor
        self._root = paths.root
        self._program = Path(sys.executable).with_name("brownie")
        if not self._program.is_file():
            raise DemoError(f"brownie is not installed beside {sys.executable}: run `make setup`")
        self.env = {
            **environment.given(),
            "HOME": str(paths.home),
            "SOLCX_BINARY_PATH": environment.given().get("SOLCX_BINARY_PATH") or str(paths.root / ".tools/solcx"),
            "PATH": f"{self._program.parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "DEPLOYMENTS_DIR": str(paths.deployments),
        }
        paths.home.mkdir(parents=True, exist_ok=True)
        add = ["networks", "add", "Federation", NETWORK, f"host={chain.rpc}", f"chainid={chain.chain_id}"]
        self._call("brownie-networks", add)

    def run(self, script: str, function: str = "main", *arguments: str) -> str:
        """`brownie run SCRIPT FUNCTION ARGUMENTS`; returns what it printed. Raises: ProcessFailed."""
        return self._call(f"brownie-{script}", ["run", script, function, *arguments, "--network", NETWORK])

    def _call(self, name: str, arguments: list[str]) -> str:
        # Two brownies that load the same project at the same time disturb each other's files in build/.
        lock = self._root / "build" / "demo.lock"
        lock.parent.mkdir(exist_ok=True)
        with lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            return self._supervisor.run(name, [str(self._program), *arguments], self.env, self._root, TIMEOUT)
