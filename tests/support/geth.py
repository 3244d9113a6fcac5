"""geth for tests: the node that `make geth` builds. Where it is missing, tests that need it say so, skipped."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import Self

import pytest
from fedprotocol.program import end_with_parent
from support.evm import ROOT, Chain

BINARY = ROOT / ".tools/bin/geth"

needs_geth = pytest.mark.skipif(
    not os.access(BINARY, os.X_OK),
    reason="NOT CHECKED AGAINST GETH: .tools/bin/geth is not there; install Go and run `make geth`",
)


class Geth(Chain):
    """A development chain on a free port with a block every second, the standard methods alone, one rich account.

    Its time is the wall's. Killed on leaving; nothing of it is kept.
    """

    def __init__(self, *options: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="geth-")
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-I", end_with_parent.__file__, str(os.getpid()), str(BINARY)),
                *("--dev", "--dev.period", "1", "--datadir", self._folder.name, "--ipcdisable", "--maxpeers", "0"),
                *("--http", "--http.port", "0", "--http.api", "eth,net,web3", "--authrpc.port", "0"),
                *("--rpc.allow-unprotected-txs", *options),  # the deployer's own transaction names no chain
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        output = ""
        for line in self._process.stdout:
            output += line
            if match := re.search(r"HTTP server started\s+endpoint=(\S+) auth=false", line):
                break
        else:
            raise RuntimeError(f"geth did not start:\n{output}")
        threading.Thread(target=self._process.stdout.read, daemon=True).start()  # or its pipe fills up
        super().__init__(f"http://{match[1]}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()


@pytest.fixture(scope="module")
def geth() -> Iterator[Geth]:
    with Geth() as chain:
        yield chain
