"""Log lines: for people on the console (coloured in a terminal, plain elsewhere), all of them in `logs/fednode.log`."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

from fednode.progress_bar import terminal

FORMAT = "%(asctime)s %(levelname)-7s %(message)s"
LARGEST = 10_000_000  # bytes
KEPT = 3
OURS = ("fednode", "fedprotocol", "fedaggregator")


def start_logging(folder: Path, verbose: bool) -> None:
    """`verbose`: debug lines on the console too; the file always has them."""
    folder.mkdir(parents=True, exist_ok=True)
    file = RotatingFileHandler(folder / "fednode.log", maxBytes=LARGEST, backupCount=KEPT, encoding="utf-8")
    file.setFormatter(logging.Formatter(FORMAT))
    file.setLevel(logging.DEBUG)
    console = _console()
    console.setLevel(logging.DEBUG if verbose else logging.INFO)
    for name in OURS:
        logger = logging.getLogger(name)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        logger.handlers = [file, console]


def _console() -> logging.Handler:
    console = terminal()
    if console is not None:
        from rich.logging import RichHandler

        return RichHandler(console=console, show_path=False, omit_repeated_times=False)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(FORMAT, datefmt="%H:%M:%S"))
    return handler
