"""What a run of tests was at when it is ended from outside, as CI does after a time: without it, nobody knows."""

from __future__ import annotations

import os
import signal
import time
from types import FrameType

import pytest


class UnderWay:
    """A plugin of the process that a person started, which hears of the tests of all workers."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._since: dict[str, float] = {}
        self._ended = 0

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._since[nodeid] = time.monotonic()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._ended += self._since.pop(nodeid, None) is not None

    def told(self) -> list[str]:
        now = time.monotonic()
        lines = [f"  {now - since:.0f} s  {test}" for test, since in sorted(self._since.items(), key=lambda it: it[1])]
        load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
        head = (
            f"ended by SIGTERM after {now - self._began:.0f} s; load {load}; {self._ended} tests had ended; under way:"
        )
        return [head, *lines]


def pytest_configure(config: pytest.Config) -> None:
    """Only in the process that a person started: workers end with it."""
    if hasattr(config, "workerinput"):
        return
    plugin = UnderWay()
    config.pluginmanager.register(plugin, "under-way")
    before = signal.getsignal(signal.SIGTERM)

    def end(number: int, _: FrameType | None) -> None:
        captured = config.pluginmanager.getplugin("capturemanager")
        if captured is not None:
            captured.suspend_global_capture(in_=True)
        reporter = config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            reporter.ensure_newline()
            for line in plugin.told():
                reporter.write_line(line, flush=True)
        signal.signal(number, before)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, end)
