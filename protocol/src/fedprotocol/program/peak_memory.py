"""The most memory that a process had, as Linux counts it (proc(5))."""

from __future__ import annotations

from pathlib import Path

_CLEAR = Path("/proc/self/clear_refs")
_PEAK = "5"  # resets VmHWM


def peak_memory(pid: int) -> int:
    """The most resident memory in bytes, which Linux shows as VmHWM; 0 on other systems."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0)


def forget_peak() -> None:
    """Count the most memory of this process from here on. Raises OSError where the system cannot."""
    _CLEAR.write_text(_PEAK)
