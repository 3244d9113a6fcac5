"""`fedexplorer run` as a process of its own, and what it says and serves."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import requests
from support import programs
from support.programs import Program


class Started:
    """A running explorer."""

    def __init__(self, program: Program, out: IO[bytes], err: IO[bytes]) -> None:
        self.program, self._out, self._err = program, out, err

    def first_line(self, seconds: float = 20.0) -> str:
        deadline = time.monotonic() + seconds
        while b"\n" not in (text := self.text(self._out)):
            assert self.program.poll() is None and time.monotonic() < deadline, self.log
            time.sleep(0.05)
        return text.decode().splitlines()[0]

    @property
    def url(self) -> str:
        return str(json.loads(self.first_line())["url"])

    @property
    def port(self) -> int:
        return int(self.url.split(":")[2].split("/")[0])

    @property
    def log(self) -> str:
        return self.text(self._err).decode()

    @staticmethod
    def text(file: IO[bytes]) -> bytes:
        return os.pread(file.fileno(), 1 << 20, 0)

    def page(self, path: str = "", wanted: str = "", seconds: float = 20.0) -> requests.Response:
        """A page, as soon as it shows `wanted`."""
        deadline = time.monotonic() + seconds
        while True:
            answer = requests.get(self.url + path, timeout=10)
            if wanted in answer.text:
                return answer
            assert time.monotonic() < deadline, answer.text
            time.sleep(0.1)


@contextmanager
def explorer(coordinator: str, rpc: str, folder: Path, /, *options: str, **replaced: str | None) -> Iterator[Started]:
    """Of the coordinator at that address; started in `folder`, where it keeps what it read. `replaced`: options that
    usually follow from these; None leaves one out."""
    usual: dict[str, Any] = {
        "coordinator": coordinator,
        "rpc": rpc,
        "home": str(folder / "cache"),
        "port": "0",
        **replaced,
    }
    words = [f"--{name.replace('_', '-')}={value}" for name, value in usual.items() if value is not None]
    arguments = ["fedexplorer", "run", *words, "--json", *options]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        program = programs.start(arguments, folder, {**os.environ}, out, err)
        try:
            yield Started(program, out, err)
        finally:
            program.kill()
