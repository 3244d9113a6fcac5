"""Figures that tests measure (`record_property("name", value)`) are shown together at the end of the run.

The programs that tests start log for people, as in a terminal, unless a test asks for something else. What programs of
ours set for libraries is set here too.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from fedprotocol import compiled
from fedprotocol.program import environment
from fedprotocol.program.garbage import collect_seldom
from fedprotocol.program.logs import VARIABLE

pytest_plugins = ("support.under_way",)

collect_seldom()

os.environ.setdefault(VARIABLE, "human")
os.environ.update({name: value for name, value in environment.SET.items() if value is not None})
# How long examples take to make depends on what else the machine does.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model's folder; tests do not write into it."""
    from support.tiny_model import build_tiny_model

    return build_tiny_model(tmp_path_factory.mktemp("tiny-model"))


@pytest.fixture(params=["compiled", "NumPy"], scope="module")
def loops(request: pytest.FixtureRequest) -> Iterator[str]:
    """Loops over many blocks or values once compiled by numba, and once without it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "module", import_module if request.param == "compiled" else lambda _: None)
        yield str(request.param)


FIRST = (
    *("test_demo_run", "test_coordinator_histories", "test_scripts", "test_experiment_command", "test_node_alive"),
    *("test_bad_input", "test_proof_gas", "test_other_families", "test_bounds", "test_training", "test_daemon"),
    "test_pages_in_browser",
)
"""The files that take longest begin first, or one worker would be at one of them alone at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: FIRST.index(item.path.stem) if item.path.stem in FIRST else len(FIRST))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Long bytes are not written into a test's name: those of a gzip file hold the time, and workers would disagree."""
    return argname if isinstance(val, bytes) and len(val) > 40 else None


@pytest.fixture
def process_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """For a command that is run in the tests' own process: a program settles its process for good; this one goes on."""
    before, hooks, handlers = dict(os.environ), (sys.excepthook, threading.excepthook), _handlers()
    monkeypatch.setattr(environment, "_given", None)
    yield
    for number, handler in handlers.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)
    sys.excepthook, threading.excepthook = hooks
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    """The test that leaves a program's answers to signals behind fails. Otherwise the process of the tests would end at
    the next signal that a test sends to itself, many tests later."""
    before, woken = _handlers(), _woken()
    yield
    assert (_handlers(), _woken()) == (before, woken), "let it use process_as_before"


def _handlers() -> dict[int, Any]:
    """By signal; but for the one by which pytest-timeout ends a test, and which it gives up when a test fails."""
    return {number: signal.getsignal(number) for number in signal.valid_signals() - {signal.SIGALRM}}


def _woken() -> int:
    """The file that hears of signals, or -1."""
    file = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(file)
    return file


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
