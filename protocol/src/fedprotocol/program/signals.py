"""A wish to stop, from the terminal or the system."""

from __future__ import annotations

import signal
import threading


def stop_at_signals() -> threading.Event:
    """Set by the first SIGINT or SIGTERM; a second one does not wait for the step at hand."""
    stop = threading.Event()

    def on_signal(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    return stop
