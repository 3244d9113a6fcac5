"""The project's programs as processes of their own, without the seconds that each needs to load its libraries.

They are forked from one that has them loaded (`support.program_server`); their console, folder, environment, signals
and end are their own. What a program does before its libraries are loaded is for tests that start it from its file.
"""

from __future__ import annotations

import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from support import program_server

WITHOUT_TORCH = ("account", "audit", "challenge", "claim", "exit", "init", "join", "rounds", "status")


class Program:
    """A running program, with the methods of subprocess.Popen."""

    def __init__(self, arguments: Sequence[str], pid: int, status: int) -> None:
        self.args, self.pid = list(arguments), pid
        self.returncode: int | None = None
        self._status = status

    def poll(self) -> int | None:
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _ended(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], seconds)[0]:
            received = os.read(self._status, 64)
            os.close(self._status)
            assert received, f"the process that {self.args} was forked from has ended"
            self.returncode = os.waitstatus_to_exitcode(int(received))
        return self.returncode


def start(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], stdout: IO[Any], stderr: IO[Any]
) -> Program:
    """Start `arguments`: one of the project's programs, a command, options."""
    program, command = arguments[:2]
    request = {
        "argv": [str(Path(sys.executable).with_name(program)), *arguments[1:]],
        "folder": str(folder),
        "environment": dict(environment),
        "trains": program not in ("fedaggregator", "fedexplorer") and command not in WITHOUT_TORCH,
    }
    requests, _ = _server()
    status, theirs = os.pipe()
    with open(os.devnull) as nothing:  # noqa: PTH123
        files = [nothing.fileno(), stdout.fileno(), stderr.fileno(), theirs]
        socket.send_fds(requests, [json.dumps(request).encode()], files)
    os.close(theirs)
    received = requests.recv(64)
    assert received, "the process that programs are forked from has ended"
    return Program(arguments, int(received), status)


def run(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float = 120.0
) -> subprocess.CompletedProcess[str]:
    """Run `arguments` to their end. Raises subprocess.TimeoutExpired, and has killed it then."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        program = start(arguments, folder, environment, out, err)
        try:
            code = program.wait(timeout)
        finally:
            program.kill()
        texts = [(file.seek(0), file.read().decode())[1] for file in (out, err)]
    return subprocess.CompletedProcess(list(arguments), code, *texts)


@functools.cache
def _server() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """What asks this process's server, which ends with this process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server = subprocess.Popen(
        [sys.executable, "-P", program_server.__file__, str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        start_new_session=True,
    )
    theirs.close()
    return ours, server
