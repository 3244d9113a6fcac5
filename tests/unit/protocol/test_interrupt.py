"""Ctrl-C at a terminal: one line and exit status 130 within two seconds, whatever the program is doing."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from support.pseudo_terminal import Terminal

pytestmark = pytest.mark.process

SETUP = """
import hashlib, os, sys, threading, time
from fedprotocol.program import interrupt
from fedprotocol.program.signals import stop_at_signals
from fedprotocol.program.terminal import run_program
interrupt.answer()
def app():
    print("ready", flush=True)
{body}
run_program(app)
"""
BODIES = {
    "sleeps": "    time.sleep(60)",
    "catches everything": """
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass
""",
    "holds the main thread in one call": "    hashlib.pbkdf2_hmac('sha256', b'a', b'b', 10**9)",
    "has a thread that never ends": "    threading.Thread(target=time.sleep, args=(60,)).start(); time.sleep(60)",
    "tidies up": """
    try:
        time.sleep(60)
    finally:
        print("tidied up", flush=True)
""",
    "ends its loop by itself": "    stop_at_signals().wait(60)",
}


@pytest.fixture(params=BODIES)
def program(request: pytest.FixtureRequest) -> Iterator[tuple[str, Terminal]]:
    terminal = Terminal(sys.executable, "-c", SETUP.format(body=BODIES[request.param]))
    try:
        yield request.param, terminal
    finally:
        terminal.close()


def test_ctrl_c_is_answered(program: tuple[str, Terminal]) -> None:
    what, terminal = program
    terminal.read_until("ready")
    status, took = terminal.press_ctrl_c()
    assert status == 130, terminal.text
    assert took < 3.0  # 1.5 s, and a busy machine
    after = terminal.text.partition("ready")[2]
    said = [line for line in after.splitlines() if line.strip()]
    assert said[-1] == "stopped by Ctrl-C", terminal.text
    assert len(said) == (2 if what == "tidies up" else 1), terminal.text


def test_where_it_is_ignored_it_stays_so() -> None:
    code = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + SETUP.format(body="    time.sleep(1)")
    terminal = Terminal(sys.executable, "-c", code)
    try:
        terminal.read_until("ready")
        assert terminal.press_ctrl_c()[0] == 0, terminal.text
        assert "stopped" not in terminal.text
    finally:
        terminal.close()
