"""How the demo starts the project's programs: with the same commands that an operator types."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fedprotocol.program.logs import VARIABLE

from fedlab.demo.options import DemoError
from fedlab.demo.supervisor import Process, Supervisor


@dataclass(frozen=True)
class Job:
    """A command that runs to its end in `folder`; `name` names its log."""

    name: str
    folder: Path
    arguments: Sequence[str]


class Programs:
    """`fednode` and `fedaggregator` of this environment, with one thread for each process."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._bin = Path(sys.executable).parent
        for program in ("fednode", "fedaggregator"):
            if not (self._bin / program).is_file():
                raise DemoError(f"{program} is not installed beside {sys.executable}: run `make setup`")
        self._env = {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "COLUMNS": "200",
            VARIABLE: "human",  # the logs of a demo are for people
        }
        self._env.pop("FEDNODE_CONFIG", None)  # these belong to the person who runs the demo, not to its nodes
        self._env.pop("FEDNODE_PASSWORD", None)

    def start(self, name: str, folder: Path, program: str, *arguments: str) -> Process:
        """Start a daemon in `folder`."""
        return self._supervisor.start(name, [str(self._bin / program), *arguments], self._env, folder)

    def start_beside(self, name: str, folder: Path, program: str, *arguments: str) -> Process | None:
        """Start a program in `folder` that may end at any time, in any way. None if it is not installed."""
        command = self._bin / program
        if not command.is_file():
            return None
        return self._supervisor.start(name, [str(command), *arguments], self._env, folder, is_needed=False)

    def fednode(self, job: Job, timeout: float) -> str:
        """Run `fednode …`; returns what it printed. Raises: ProcessFailed."""
        return self.fednode_all([job], timeout)[0]

    def fednode_all(self, jobs: Sequence[Job], timeout: float) -> list[str]:
        """Run several `fednode …` at the same time; returns what each printed, in order. Raises: ProcessFailed."""
        command = str(self._bin / "fednode")
        processes = [self._supervisor.start(job.name, [command, *job.arguments], self._env, job.folder) for job in jobs]
        return [self._supervisor.wait(process, timeout) for process in processes]
