"""Starting the process that hands figures on, beside a node."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fednode.config import NodeConfig

log = logging.getLogger("fednode")
LOG = "track.log"


@contextmanager
def tracked(config: NodeConfig, file: Path) -> Iterator[None]:
    """Hand figures on while in the context, and what is new at its end after it. `file`: of the config. Nothing that
    goes wrong with it goes wrong with the node: the log says what it was."""
    if config.track.to:
        try:
            _start(config, file)
        except OSError as error:
            log.warning("no figures are handed on: %s", error)
    yield


def _start(config: NodeConfig, file: Path) -> None:
    config.logs.mkdir(parents=True, exist_ok=True)
    with (config.logs / LOG).open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "fednode.tracking.beside", str(file.resolve()), str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # Ctrl-C is for the node; it notices that the node has ended
        )
    log.info("figures are handed on to %s (process %d)", ", ".join(config.track.to), process.pid)
    threading.Thread(target=_relay, args=(process, config.logs / LOG), name="tracking", daemon=True).start()


def _relay(process: subprocess.Popen[bytes], errors: Path) -> None:
    """What the process says, and that it ended before the node."""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    for line in process.stdout:
        log.warning("%s", line.decode(errors="replace").strip())
    if code := process.wait():
        log.warning("figures are handed on no more, the process ended with status %d: %s says why", code, errors)
