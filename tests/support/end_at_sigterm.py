"""End at SIGTERM as at the end of the program: what is open is taken down first."""

from __future__ import annotations

import signal
import sys
from types import FrameType


def end_at_sigterm() -> None:
    """Once: while things are taken down, a second signal must not interrupt."""
    signal.signal(signal.SIGTERM, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)
    sys.exit("terminated")
