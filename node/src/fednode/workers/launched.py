"""The launcher that a daemon starts, and its signs of life for the workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from fedprotocol.files.whole import PRIVATE, write_whole
from fedprotocol.program import end_with_parent, environment

ALIVE_SECONDS = 1.0
STOP_SECONDS = 30.0


class Launched:
    """A running launcher. On Linux it ends with this program, however that ends."""

    def __init__(self, command: Sequence[str], log: Path, alive: Path) -> None:
        """`log`: the file for what it prints; `alive`: a file that changes as long as this program lives. Raises
        OSError if the launcher cannot be started."""
        self._command, self._log, self._alive = command, log, alive
        self._process: subprocess.Popen[bytes] | None = None
        self._error: OSError | None = None
        self._is_begun = threading.Event()
        # Linux ends a process with the thread that started it, so this thread lives as long as the process.
        threading.Thread(target=self._keep, name="workers", daemon=True).start()
        self._is_begun.wait()
        if self._error is not None:
            raise self._error

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs."""
        return None if self._process is None else self._process.poll()

    def stop(self) -> None:
        """End it and everything that it started, by force if need be."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _keep(self) -> None:
        try:
            self._process = process = self._begin()
        except OSError as error:
            self._error = error
            return
        finally:
            self._is_begun.set()
        beat = 0
        while process.poll() is None:
            beat += 1
            with suppress(OSError):
                write_whole(self._alive, str(beat), mode=PRIVATE, synced=False)
            time.sleep(ALIVE_SECONDS)

    def _begin(self) -> subprocess.Popen[bytes]:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            return subprocess.Popen(
                [*(sys.executable, "-I", end_with_parent.__file__, str(os.getpid())), *self._command],
                env=environment.given(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the daemon, which then stops it
            )
