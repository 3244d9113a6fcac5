"""A local Ethereum node: Foundry's anvil, which makes a block every second and listens on a port that the system
chooses."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from fedprotocol.errors import FedError

from fedlab.demo.supervisor import ProcessFailed, Supervisor

LISTENING = re.compile(r"Listening on 127\.0\.0\.1:(\d+)")
START_SECONDS = 30.0


class AnvilMissing(FedError):
    """There is no anvil binary."""


@dataclass(frozen=True)
class Chain:
    """A running chain with unlocked, funded accounts."""

    rpc: str
    chain_id: int


def find_anvil(root: Path) -> Path:
    """The real binary (npm's `anvil` is a script that leaves it running when killed). Raises: AnvilMissing."""
    candidates = [root / ".tools/bin/anvil", *sorted(root.glob("node_modules/@foundry-rs/anvil-*/bin/anvil"))]
    for candidate in candidates:
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return candidate.resolve()
    found = shutil.which("anvil")
    if found is None:
        raise AnvilMissing("anvil is not installed: run `make setup`, or put Foundry's anvil on the PATH")
    return Path(found)


def new_chain_id() -> int:
    """A chain id that no other development chain has, so that nothing remembered about another chain is taken for this
    one's."""
    return 2**24 + secrets.randbelow(2**24)


def start_anvil(supervisor: Supervisor, root: Path, home: Path, kept: Path) -> Chain:
    """Start a new chain and wait until it listens. When it is stopped, it leaves its blocks and its state in the file
    `kept`.

    Raises: AnvilMissing; ProcessFailed if it ends or does not listen in time.
    """
    return _start(supervisor, root, home, new_chain_id(), "--block-time", "1", "--dump-state", str(kept))


def resume_anvil(supervisor: Supervisor, root: Path, home: Path, kept: Path, chain_id: int) -> Chain:
    """Start the chain that was left in the file `kept`. It makes no blocks.

    Raises: AnvilMissing; ProcessFailed if it ends or does not listen in time.
    """
    return _start(supervisor, root, home, chain_id, "--no-mining", "--load-state", str(kept))


def _start(supervisor: Supervisor, root: Path, home: Path, chain_id: int, *options: str) -> Chain:
    home.mkdir(parents=True, exist_ok=True)
    command = [str(find_anvil(root)), "--host", "127.0.0.1", "--port", "0", "--chain-id", str(chain_id)]
    command += ["--color", "never", *options]
    env = {"HOME": str(home), "PATH": os.environ.get("PATH", "")}
    process = supervisor.start("anvil", command, env, home)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        match = LISTENING.search(process.output())
        if match:
            return Chain(f"http://127.0.0.1:{match[1]}", chain_id)
        if process.code is not None:
            break
        time.sleep(0.1)
    raise ProcessFailed(f"anvil did not start, see {process.log}\n{process.last_words()}")
