"""A cell's peak of memory is its own, not that of the cells before it in the same process."""

from __future__ import annotations

import sys

import pytest
from fedlab.experiment import peak_memory

MIB = 1 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="NOT MEASURED: only Linux tells a process its peak")
def test_a_peak_begins_again_without_what_was_freed() -> None:
    peak_memory.begin("cpu")
    start = peak_memory.peak("cpu")
    held = [bytes(10_000) for _ in range(30_000)]
    assert peak_memory.peak("cpu") > start + 250 * MIB
    held.clear()
    peak_memory.begin("cpu")
    assert peak_memory.peak("cpu") < start + 50 * MIB
    held = [bytes(10_000) for _ in range(10_000)]
    assert start + 50 * MIB < peak_memory.peak("cpu") < start + 200 * MIB
    assert held
