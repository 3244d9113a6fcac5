"""A machine: a network namespace of Linux, with a loopback, an address and a folder of its own. Needs root."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from fedprotocol.program import end_with_parent

BRIDGE, SUBNET = "fed-bridge", "10.77.0"
COMMAND_SECONDS = 300.0
GRACE = 30.0


class Network:
    """A switch that machines are plugged into. A context manager: all machines and their programs are gone after."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.machines: dict[str, Machine] = {}

    def __enter__(self) -> Self:
        self._remove()
        shutil.rmtree(self.folder, ignore_errors=True)
        _ip("link", "add", BRIDGE, "type", "bridge")
        _ip("addr", "add", f"{SUBNET}.1/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for machine in self.machines.values():
            machine.stop_all()
        self._remove()

    def machine(self, name: str) -> Machine:
        """A new one."""
        number = 10 + len(self.machines)
        space, inside, outside = f"fed-{name}", f"{SUBNET}.{number}", f"fed-veth{number}"
        _ip("netns", "add", space)
        _ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", space)
        _ip("link", "set", outside, "master", BRIDGE, "up")
        _ip("-n", space, "addr", "add", f"{inside}/24", "dev", "eth0")
        for link in ("lo", "eth0"):
            _ip("-n", space, "link", "set", link, "up")
        self.machines[name] = Machine(name, space, inside, self.folder / name)
        return self.machines[name]

    def _remove(self) -> None:
        """Also what an earlier run left that was killed."""
        for space in (line.split()[0] for line in _ip("netns", "list").splitlines() if line.startswith("fed-")):
            for pid in _ip("netns", "pids", space).split():
                os.kill(int(pid), signal.SIGKILL)
            _ip("netns", "delete", space)
        for link in Path("/sys/class/net").glob("fed-*"):  # the namespaces' own links go with them, a moment later
            subprocess.run(["ip", "link", "delete", link.name], check=False, capture_output=True)


class Machine:
    """`address` is how others reach it; what listens on 127.0.0.1 there, nobody else reaches."""

    def __init__(self, name: str, space: str, address: str, folder: Path) -> None:
        self.name, self.address, self.folder = name, address, folder
        folder.mkdir(parents=True)
        self._space = space
        self._programs: list[subprocess.Popen[bytes]] = []
        self._environment = {
            **os.environ,
            "HOME": str(folder),
            "IPFS_PATH": str(folder / "ipfs"),
            "OMP_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
        }

    def run(self, *words: str, cwd: Path | None = None, status: int | None = 0, **environment: str) -> str:
        """A command to its end; what it printed. Raises AssertionError if its exit status is not `status`."""
        done = subprocess.run(
            self._inside(words),
            cwd=cwd or self.folder,
            env=self._environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        assert status in (None, done.returncode), f"{self.name}: {' '.join(words)}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """A program that stays; what it prints is in FOLDER/<first word>.log."""
        with self.log(words[0]).open("ab") as log:
            program = subprocess.Popen(
                [sys.executable, "-I", end_with_parent.__file__, str(os.getpid()), *self._inside(words)],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._programs.append(program)
        return program

    def log(self, program: str) -> Path:
        return self.folder / f"{Path(program).name}.log"

    def stop_all(self) -> None:
        running = [program for program in self._programs if program.poll() is None]
        for program in reversed(running):
            os.killpg(program.pid, signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        for program in running:
            try:
                program.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(program.pid, signal.SIGKILL)
                program.wait()

    def _inside(self, words: Sequence[str]) -> list[str]:
        return ["ip", "netns", "exec", self._space, *words]


def _ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout
