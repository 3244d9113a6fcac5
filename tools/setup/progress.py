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

_COLLECTED = re.compile(r"(?:Collecting|Requirement already satisfied:) (\S+)")
_FETCHED = re.compile(
    r"\s*(?:Downloading|Using cached) (?:\S*/)?([\w.-]+?)-\d[\w.!+]*(?:-\S+\.whl|\.tar\.gz|\.zip)(?: \((.+)\))?$"
)
_PREPARING = re.compile(r"\s*(?:Installing build dependencies|Preparing .*metadata.*): (started|finished)")
_INSTALLING = re.compile(r"Installing collected packages: (.+)")
_COMPILED = re.compile(r" - (\w+)$")


@dataclass
class Packages:
    """Finds out what pip is doing from the lines that it prints. `installed` counts the packages that are installed by
    now."""

    expected: int
    installed: Callable[[], int]
    collected: set[str] = field(default_factory=set)
    fetched: set[str] = field(default_factory=set)
    newest: str = ""
    building: bool = False
    to_install: int = 0

    def read(self, line: str) -> None:
        if found := _INSTALLING.match(line):
            self.to_install = len(found[1].split(","))
        elif found := _PREPARING.match(line):
            self.building = found[1] == "started"
        elif found := _FETCHED.match(line.rstrip()):
            self.fetched.add(found[1])
            self.newest = f"{found[1]} ({found[2]})" if found[2] else found[1]
        elif found := _COLLECTED.match(line.strip()):
            self.newest = re.split(r"[<>=!~\[;(]", found[1])[0]
            self.collected.add(self.newest)
            self.building = False

    def __str__(self) -> str:
        if self.to_install:
            return f"installing, {min(self.installed(), self.to_install)} of {self.to_install} are in place"
        if self.building:
            return f"preparing {self.newest or 'our own'}, {len(self.collected)} of about {self.expected} chosen"
        if self.fetched:
            return f"fetching number {len(self.fetched)} of about {self.expected}: {self.newest}"
        if self.collected:
            return f"choosing versions, {len(self.collected)} of about {self.expected}"
        return "starting"


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


def installed_since(environment: Path, start: float) -> int:
    """How many packages were put into a virtual environment since `start`, in seconds of the wall clock."""
    return sum(entry.stat().st_mtime >= start for entry in environment.glob("lib/python3.*/site-packages/*.dist-info"))


def _packages() -> Packages:
    start = time.time()
    pins = (ROOT / "constraints.txt").read_text().split()
    return Packages(len(pins), lambda: installed_since(ROOT / ".venv", start))


STAGES = {
    "python": Stage("1 of 3, Python packages", "about 180 packages, 6 GB on disk, usually 3 minutes", _packages),
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
