"""Child processes of the demo: each has its own process group and its own log, and none is left at the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from fedprotocol.errors import FedError
from fedprotocol.program import end_with_parent
from fedprotocol.program.peak_memory import peak_memory

GRACE_SECONDS = 10.0


class ProcessFailed(FedError):
    """A program of the demo ended too early or with an error. The message ends with the last lines of its log."""


@dataclass
class Process:
    """One child process. `is_needed`: the run fails if it does. `peak_memory`: the most resident memory so far, in
    bytes (0 if the system does not say)."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path
    log_start: int = 0  # how many bytes were in the log before it started
    is_needed: bool = True
    peak_memory: int = 0

    @property
    def code(self) -> int | None:
        """Exit status; None while it runs."""
        return self.popen.poll()

    def output(self) -> str:
        """What it has printed so far."""
        with self.log.open("rb") as log:
            log.seek(self.log_start)
            return log.read().decode(errors="replace")

    def last_words(self, lines: int = 12) -> str:
        """The end of what it printed."""
        return "\n".join(self.output().splitlines()[-lines:])


class Supervisor:
    """Starts programs, and stops all of them at the end of the `with` block, the last one first."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._processes: dict[str, Process] = {}
        logs.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_all()

    @property
    def processes(self) -> Mapping[str, Process]:
        return self._processes

    def start(
        self, name: str, command: Sequence[str], env: Mapping[str, str], cwd: Path, is_needed: bool = True
    ) -> Process:
        """Start `command` with its output in logs/<name>.log; names are unique while running."""
        running = self._processes.get(name)
        if running is not None and running.code is None:
            raise ValueError(f"{name} runs already")
        log = self._logs / f"{name}.log"
        with log.open("ab") as output:
            start = output.tell()
            popen = subprocess.Popen(
                [sys.executable, "-I", end_with_parent.__file__, str(os.getpid()), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(env),
                cwd=cwd,
                # Ctrl-C in the terminal reaches only the demo, which then stops the other programs
                start_new_session=True,
            )
        process = Process(name, popen, log, start, is_needed)
        self._processes[name] = process
        return process

    def run(self, name: str, command: Sequence[str], env: Mapping[str, str], cwd: Path, timeout: float) -> str:
        """Run `command` to its end; returns its output. Raises: ProcessFailed if it fails or takes too long."""
        return self.wait(self.start(name, command, env, cwd), timeout)

    def wait(self, process: Process, timeout: float) -> str:
        """Wait for its end; returns its output. Raises: ProcessFailed if it fails or takes too long."""
        try:
            code = process.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self._stop([process])
            raise ProcessFailed(
                f"{process.name} took more than {timeout:.0f} s, see {process.log}\n{process.last_words()}"
            ) from None
        if code != 0:
            raise ProcessFailed(
                f"{process.name} failed (exit status {code}), see {process.log}\n{process.last_words()}"
            )
        return process.output()

    def check(self) -> None:
        """Check every process once. Raises: ProcessFailed if a needed one ended with another exit status than 0."""
        for process in self._processes.values():
            code = process.code
            if code is None:
                process.peak_memory = max(process.peak_memory, peak_memory(process.popen.pid))
            elif code != 0 and process.is_needed:
                raise ProcessFailed(
                    f"{process.name} ended with exit status {code}, see {process.log}\n{process.last_words()}"
                )

    def stop(self, name: str) -> None:
        self._stop([self._processes[name]])

    def stop_all(self) -> None:
        """Send SIGTERM to every group that still runs, and SIGKILL to those that still run a while later."""
        self._stop(list(reversed(self._processes.values())))

    def _stop(self, processes: Sequence[Process]) -> None:
        # the ids of processes that ended may belong to other programs by now
        running = [process for process in processes if process.code is None]
        for process in running:
            process.peak_memory = max(process.peak_memory, peak_memory(process.popen.pid))
            _signal_group(process, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        for process in running:
            try:
                process.popen.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal_group(process, signal.SIGKILL)
                process.popen.wait()
            _signal_group(process, signal.SIGKILL)  # processes that the child started and did not stop


def _signal_group(process: Process, number: signal.Signals) -> None:
    """The number of the process group is the child's process id, because the child began a new session."""
    try:
        os.killpg(process.popen.pid, number)
    except (ProcessLookupError, PermissionError):  # the group is empty (macOS raises the latter for zombies)
        return
