"""`python -m fednode.tracking.beside CONFIG PID`: hands on the figures of the node PID, which started it, until that
has ended.

What it has to say, the node logs: it comes as lines on standard output. What the tools print goes to standard error,
which is a file.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

from fedprotocol.errors import FedError
from fedprotocol.program import environment
from fedprotocol.program.logs import without_secrets


class Lines(logging.StreamHandler):  # type: ignore[type-arg]
    """A message is a line; nobody may be there to read it."""

    def format(self, record: logging.LogRecord) -> str:
        return " ".join(without_secrets(record.getMessage()).split())

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        pass


def main() -> None:
    file, node = Path(sys.argv[1]), int(sys.argv[2])
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())  # a service manager ends both: what is left takes a moment
    environment.settle()
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    logging.getLogger("fednode.tracking").addHandler(Lines(out))
    from fednode.config import load
    from fednode.tracking.figure_folder import FigureFolder
    from fednode.tracking.follow import follow
    from fednode.tracking.set_up import recipients

    log = logging.getLogger("fednode.tracking")
    try:
        config = load(file)
        folder = FigureFolder(config.metrics, log.warning)
        follow(recipients(config), folder.chapters, lambda: stop.is_set() or os.getppid() != node)
    except (FedError, OSError) as error:
        log.warning("no figures are handed on: %s", error)
    with suppress(OSError):
        out.close()
    os._exit(0)  # a tool that hangs in its own threads, or at exit, keeps nothing alive


if __name__ == "__main__":
    main()
