"""Requests to stop, from the terminal or the system."""

from __future__ import annotations

import signal
import threading


def stop_at_signals() -> threading.Event:
    """An event that the first SIGINT or SIGTERM sets. A second one ends the program at once, without waiting for the
    current step."""
    stop = threading.Event()

    def on_signal(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    return stop
