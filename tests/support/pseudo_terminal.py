"""Programs at a terminal, as a person sits before it."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import time


class Terminal:
    """A program with a pseudo-terminal for its standard streams."""

    def __init__(self, *words: str) -> None:
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            words,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # tests in the background ignore it
        )
        os.close(slave)
        self.text = ""

    def read_until(self, words: str, seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while words not in self.text:
            assert time.monotonic() < end, self.text
            self._read(0.1)

    def press_ctrl_c(self) -> tuple[int, float]:
        """Exit status, and how long it took."""
        began = time.monotonic()
        os.killpg(self.process.pid, signal.SIGINT)
        status = self.process.wait(20)
        took = time.monotonic() - began
        self._read(0.2)
        return status, took

    def _read(self, seconds: float) -> None:
        while select.select([self.master], [], [], seconds)[0]:
            try:
                data = os.read(self.master, 1 << 16)
            except OSError:  # its end is closed
                return
            self.text += data.decode(errors="replace").replace("\r\n", "\n")

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
