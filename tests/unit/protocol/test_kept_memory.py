"""A thread that works through windows gets each window's memory from the one before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HUGE = Path("/sys/kernel/mm/transparent_hugepage/enabled")

WINDOWS = """
import resource, sys, threading
import numpy as np
from fedprotocol import compiled

def window():
    arrays = [np.ones(2 << 20, np.uint8) for _ in range(4)]

def windows(count):
    for _ in range(count):
        window()

def work():
    windows(5)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    windows(50)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

compiled.expect(int(sys.argv[1]))
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


def page_faults(expected: int) -> int:
    done = subprocess.run(
        [sys.executable, "-c", WINDOWS, str(expected)], capture_output=True, text=True, check=True, timeout=60
    )
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="mallopt is glibc's")
def test_windows_of_large_work_use_their_memory_again() -> None:
    assert page_faults(expected=1 << 30) < 2_000
    if not HUGE.is_file() or "[always]" not in HUGE.read_text():  # else a page is as large as an array
        assert page_faults(expected=0) > 10_000, "every page anew: 50 windows of 2,048 pages"
