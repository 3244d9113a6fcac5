"""Ports of 127.0.0.1 for servers that start later, or never."""

from __future__ import annotations

import fcntl
import random
import socket
import tempfile
from pathlib import Path
from typing import IO

PORTS = range(20_000, 32_000)
"""Below those that the system gives to whoever asks for any port (32,768 to 60,999): no server that a test beside this
one starts on "port 0" gets one of them."""

_locks: list[IO[bytes]] = []  # held until this process ends


def free_port() -> int:
    """A port that nobody listens on, and that no other process which asks here gets while this one lives."""
    folder = Path(tempfile.gettempdir()) / "federation-test-ports"
    folder.mkdir(exist_ok=True)
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        lock = (folder / str(port)).open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
            continue
        _locks.append(lock)
        return port
    raise RuntimeError(f"no port from {PORTS.start} to {PORTS.stop} is free")
