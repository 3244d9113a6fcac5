"""Requests to stop, from the terminal or the system."""

from __future__ import annotations

import signal
import threading

from fedprotocol.program import interrupt


def stop_at_signals(is_usual_end: bool = False) -> threading.Event:
    """An event that the first SIGINT or SIGTERM sets. A second one ends the program at once, without waiting for the
    current step. `is_usual_end`: the program runs until somebody presses Ctrl-C, so that this is no reason for an exit
    status of its own."""
    stop = threading.Event()

    def on_signal(number: int, _frame: object) -> None:
        stop.set()
        if number == signal.SIGINT and not is_usual_end:
            interrupt.note()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    return stop
