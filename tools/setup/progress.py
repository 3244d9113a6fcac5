"""Run one stage of the set-up and say in a few lines what it does, how far it is and how long it took.

    python3 tools/setup/progress.py STAGE COMMAND [ARGUMENT …]

On a terminal one line is rewritten in place; elsewhere, for example in a CI log, a line is written every quarter of a
minute. What the command prints goes to .tools/logs/STAGE.log, and its end is shown if the command fails. It only needs
the standard library, because it runs before anything is installed.
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHOWN_ON_FAILURE = 25  # lines
SECONDS_BETWEEN_LINES = 15.0
SECONDS_BETWEEN_FRAMES = 0.5

_RESOLVED = re.compile(r"Resolved (\d+) packages")
_WAY = re.compile(r"\s*(?:Downloading|Downloaded) (\S+)(?: \((.+)\))?")
_PREPARED = re.compile(r"Prepared (\d+) packages")
_BY_PIP = re.compile(r"(?:Collecting|Requirement already satisfied:) ([\w.-]+)")
_COMPILED = re.compile(r" - (\w+)$")


@dataclass
class Packages:
    """Finds out what uv is doing from the lines that it prints, or pip where uv could not install everything."""

    chosen: int = 0
    under_way: dict[str, str] = field(default_factory=dict)  # sizes by names
    done: int = 0
    prepared: int = 0
    by_pip: str = ""

    def read(self, line: str) -> None:
        if found := _RESOLVED.match(line):
            self.chosen = int(found[1])
        elif found := _PREPARED.match(line):
            self.prepared = int(found[1])
        elif found := _BY_PIP.match(line):
            self.by_pip = found[1]
        elif found := _WAY.match(line):
            name, size = found.groups()
            if size:
                self.under_way[name] = size
            elif self.under_way.pop(name, None):
                self.done += 1

    def __str__(self) -> str:
        if self.by_pip:
            return f"pip looks at {self.by_pip}"
        if self.prepared:
            return f"installing {self.prepared}"
        if self.under_way:
            name, size = next(iter(self.under_way.items()))
            return f"fetching {name} ({size}) and {len(self.under_way) - 1} more of {self.chosen}, {self.done} are here"
        return f"fetching {self.chosen} packages" if self.chosen else "choosing versions"


@dataclass
class Contracts:
    """Finds out what brownie is doing: it names every contract whose build data it writes."""

    built: int = 0

    def read(self, line: str) -> None:
        self.built += bool(_COMPILED.match(line.rstrip()))

    def __str__(self) -> str:
        return f"{self.built} contracts are compiled" if self.built else "compiling"


@dataclass
class Quiet:
    """A command that prints nothing about its progress."""

    def read(self, line: str) -> None:
        """The line says nothing about the progress."""

    def __str__(self) -> str:
        return "fetching"


@dataclass(frozen=True)
class Stage:
    title: str
    what: str
    meter: Callable[[], Packages | Contracts | Quiet]


STAGES = {
    "python": Stage("1 of 3, Python packages", "about 210 packages, 6 GB on disk, usually a minute or two", Packages),
    "chain": Stage("2 of 3, chain tools", "anvil, forge and the Solidity compiler, usually 15 seconds", Quiet),
    "contracts": Stage("3 of 3, contracts", "compiled once, usually half a minute", Contracts),
}


def lasted(seconds: float) -> str:
    """A number of seconds in words: `75.2` is `1 min 15 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def is_live() -> bool:
    """Whether one line may be rewritten in place: only on a terminal, and only if make runs nothing else at the same
    time."""
    return (
        sys.stdout.isatty()
        and os.environ.get("TERM", "dumb") != "dumb"
        and "jobserver" not in os.environ.get("MAKEFLAGS", "")
    )


class Teller:
    """Writes lines `title: text`, or rewrites one line where that is possible."""

    def __init__(self, title: str, live: bool, width: Callable[[], int]) -> None:
        self.title, self.live, self.width = title, live, width
        self.last = 0.0  # time of the last line; the first line says which stage this is

    def say(self, text: str) -> None:
        print(f"{chr(13) + chr(27) + '[K' if self.live else ''}{self.title}: {text}", flush=True)

    def progress(self, text: str, seconds: float) -> None:
        if self.live:
            line = f"{self.title}: {text}, {lasted(seconds)}"
            print(f"\r\x1b[K{line[: self.width() - 1]}", end="", flush=True)
        elif seconds - self.last >= SECONDS_BETWEEN_LINES:
            self.last = seconds
            print(f"{self.title}: {text}, {lasted(seconds)}", flush=True)


def run(stage: Stage, command: list[str], log: Path, teller: Teller) -> int:
    """The command's exit status; what it prints is in `log`."""
    meter, start = stage.meter(), time.monotonic()
    teller.say(stage.what)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as kept:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        try:
            for line in _lines(process):
                if line:
                    kept.write(line)
                    kept.flush()
                    meter.read(line)
                teller.progress(str(meter), time.monotonic() - start)
        except KeyboardInterrupt:
            process.terminate()
        status = process.wait()
    if status:
        teller.say(f"failed, and this is the end of {log}:")
        sys.stdout.writelines(f"    {line}\n" for line in log.read_text().splitlines()[-SHOWN_ON_FAILURE:])
    else:
        teller.say(f"done in {lasted(time.monotonic() - start)}")
    return status


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    """Yields the lines that a process prints, and an empty text whenever it prints nothing for a while."""
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_pass_on, args=(process.stdout, lines), daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=SECONDS_BETWEEN_FRAMES)
        except queue.Empty:
            yield ""
            continue
        if line is None:
            return
        yield line


def _pass_on(source: Iterable[str], lines: queue.Queue[str | None]) -> None:
    for line in source:
        lines.put(line)
    lines.put(None)


def main(arguments: list[str]) -> int:
    name, *command = arguments
    stage = STAGES[name]
    teller = Teller(stage.title, is_live(), lambda: shutil.get_terminal_size().columns)
    return run(stage, command, ROOT / ".tools" / "logs" / f"{name}.log", teller)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
