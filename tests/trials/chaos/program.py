"""One of the programs that are injured: the real one, in a process that can be killed, held still and started again."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from fedprotocol.program import end_with_parent
from support.sites import environment

FREEZER = Path(__file__).parents[1] / "attacks/freezer.py"
GRACE = 60.0  # seconds to end when told to; it may be loading a model


class Program:
    """`command` in `folder`; what it prints is appended to `log`. `home` is where its status.json is."""

    def __init__(self, name: str, command: Sequence[str], folder: Path, home: Path, log: Path) -> None:
        self.name = name
        self.home = home
        self.log = log
        self._command = command
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._freezer: subprocess.Popen[bytes] | None = None

    def start(self, skew: int = 0) -> None:
        """`skew`: seconds that its clock is wrong."""
        env = environment()
        if skew:
            env |= {"LD_PRELOAD": str(_libfaketime()), "FAKETIME": f"{skew:+d}s", "DONT_FAKE_MONOTONIC": "1"}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", end_with_parent.__file__, str(os.getpid()), *self._command],
                cwd=self._folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def is_held(self) -> bool:
        return self._freezer is not None

    @property
    def code(self) -> int | None:
        """Exit status; None while it runs, or if it was killed."""
        return None if self._process is None else self._process.poll()

    def kill(self) -> None:
        """kill -9, of its children too: nothing can be tidied up."""
        self.release()
        if self._process is not None:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def hold(self) -> None:
        """SIGSTOP."""
        if self.runs and not self.is_held:
            assert self._process is not None
            command = [sys.executable, "-I", str(FREEZER), str(self._process.pid)]
            self._freezer = subprocess.Popen(
                [sys.executable, "-I", end_with_parent.__file__, str(os.getpid()), *command], stdout=subprocess.DEVNULL
            )

    def release(self) -> None:
        """SIGCONT."""
        freezer, self._freezer = self._freezer, None
        if freezer is not None:
            freezer.terminate()
            freezer.wait()

    def stop(self) -> int | None:
        """SIGTERM, and its exit status; None if it did not run, or had to be killed."""
        self.release()
        if self._process is None:
            return None
        if self._process.poll() is None:
            self._process.terminate()
        try:
            return self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def chain_time(self) -> int:
        """Of the chain as it last read it and said so, 0 if it never did."""
        try:
            return int(json.loads((self.home / "status.json").read_text())["chain_time"])
        except (OSError, ValueError):
            return 0

    def wait_until_acting(self, seconds: float) -> None:
        """Until it has read the chain for the first time. Raises AssertionError if it takes longer."""
        deadline = time.monotonic() + seconds
        while not self.chain_time():
            assert time.monotonic() < deadline, f"{self.name} does nothing, see {self.log}"
            time.sleep(0.2)


def _libfaketime() -> Path:
    """The library inside the package of this name, which serves Python's own process and is not imported."""
    package = importlib.util.find_spec("libfaketime")
    assert package is not None, "libfaketime is missing; `make setup` installs it"
    assert package.origin is not None
    return Path(package.origin).with_name("vendor") / "libfaketime/src/libfaketime.so.1"
