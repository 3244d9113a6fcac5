"""Figures that tests measure (`record_property("name", value)`) are shown together at the end of the run.

The programs that tests start log for people, as in a terminal, unless a test asks for something else.
"""

from __future__ import annotations

import os

import pytest
from fedprotocol.logs import VARIABLE

os.environ.setdefault(VARIABLE, "human")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    figures = {
        str(name): value
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, value in report.user_properties
    }
    if not figures:
        return
    terminalreporter.section("figures")
    width = max(map(len, figures))
    for name in sorted(figures):
        value = figures[name]
        terminalreporter.write_line(
            f"{name:<{width}}  {value:>14,}" if isinstance(value, int) else f"{name:<{width}}  {value}"
        )
