"""The honest programs, started as an operator starts them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from fedlab.demo.supervisor import Process, Supervisor
from support.aggregators import COMMAND, AggregatorSite
from support.sites import BIN, Site, environment

FREEZER = Path(__file__).with_name("freezer.py")
CONFIGS = ("fednode.toml", "aggregator.toml")
PATIENCE = 60.0  # seconds for a command that ends by itself


class Daemon:
    """One `fednode run`, `fedaggregator run` or `fedaggregator watch`; it can be stopped, frozen and started again."""

    def __init__(
        self, supervisor: Supervisor, name: str, address: str, command: Sequence[str], folder: Path, store: Path
    ) -> None:
        self.name = name
        self.address = address
        self.folder = folder
        self.store = store
        self._command = command
        self._supervisor = supervisor
        self._process: Process | None = None
        self._is_frozen = False

    @classmethod
    def node(cls, supervisor: Supervisor, name: str, site: Site) -> Daemon:
        command = [str(BIN / "fednode"), "run"]
        return cls(supervisor, name, site.account.address, command, site.folder, site.folder / "store")

    @classmethod
    def aggregator(cls, supervisor: Supervisor, name: str, site: AggregatorSite, command: str) -> Daemon:
        words = [str(COMMAND), command, "--config", str(site.config_path)]
        return cls(supervisor, name, site.address, words, site.folder, site.store_path)

    def start(self) -> None:
        self._process = self._supervisor.start(self.name, self._command, environment(), self.folder)

    def stop(self) -> None:
        """SIGTERM, as an operator does; a frozen one goes on first."""
        self.thaw()
        self._supervisor.stop(self.name)

    def kill(self) -> None:
        """SIGKILL: nothing can be tidied up. Start it again before anybody looks whether all programs run."""
        assert self._process is not None and self._process.code is None, f"{self.name} does not run"
        os.killpg(self._process.popen.pid, signal.SIGKILL)
        self._process.popen.wait()

    def tell(self, *words: str, status: int = 0) -> str:
        """Run another command of its program, which has ended or was stopped, in its folder; returns what that said.

        Raises AssertionError if its exit status is not `status`.
        """
        done = subprocess.run(
            [self._command[0], *words],
            cwd=self.folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == status, f"{self.name} {words[0]}: exit status {done.returncode}\n{done.stdout}"
        return done.stdout

    def connect(self, before: str, url: str) -> None:
        """From its next start on it asks the chain's node at `url` instead of `before`."""
        [config] = (self.folder / name for name in CONFIGS if (self.folder / name).exists())
        text = config.read_text()
        assert before in text
        config.write_text(text.replace(before, url))

    def freeze(self) -> None:
        """SIGSTOP: it keeps its connections, its files and its turn, and does nothing."""
        assert self._process is not None and self._process.code is None, f"{self.name} does not run"
        command = [sys.executable, "-I", str(FREEZER), str(self._process.popen.pid)]
        freezer = self._supervisor.start(self._freezer, command, dict(os.environ), self.folder)
        while "frozen" not in freezer.output():
            assert freezer.code is None, freezer.output()
        self._is_frozen = True

    def thaw(self) -> None:
        if self._is_frozen:
            self._supervisor.stop(self._freezer)
            self._is_frozen = False

    @property
    def is_acting(self) -> bool:
        """Whether it runs and is not frozen."""
        return self._process is not None and self._process.code is None and not self._is_frozen

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was never started"
        return self._process.popen.pid

    @property
    def output(self) -> str:
        """What it has printed since it was last started."""
        return "" if self._process is None else self._process.output()

    @property
    def status(self) -> str:
        """A node's status file; empty before there is one."""
        file = self.folder / "home/status.json"
        return file.read_text() if file.exists() else ""

    @property
    def _freezer(self) -> str:
        return f"{self.name}-freezer"
