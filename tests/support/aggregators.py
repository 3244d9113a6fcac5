"""Aggregators as an operator sets them up: a folder with config, keystore and password, run as a process or stepped."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from fedaggregator.config import AggregatorConfig, render
from fedaggregator.daemon.actions import Action, Announce, Wait
from fedaggregator.daemon.run import Aggregator
from fedprotocol.car import MemoryLeaves
from fedprotocol.chain.account import keys
from fedprotocol.config import load_config
from fedprotocol.files.private import create_private
from fedprotocol.store.open import open_store
from support.live_federation import TOKEN, LiveFederation, directory_url
from support.programs import Program, start

PASSWORD = "correct horse"
COMMAND = Path(sys.executable).with_name("fedaggregator")


def step_past_announcing(aggregator: Aggregator) -> Action:
    """The next step that does not say where content is served, which comes before waiting."""
    action = aggregator.step()
    return aggregator.step() if isinstance(action, Announce) else action


def step_until(aggregator: Aggregator, *kinds: type, steps: int = 20) -> Action:
    """The first step that does something of one of `kinds`. As the daemon's loop does, it pauses where there is nothing
    to do, or what failed would not be tried again within so many steps on a quick machine."""
    for _ in range(steps):
        action = aggregator.step()
        if isinstance(action, kinds):
            return action
        if isinstance(action, Wait):
            time.sleep(aggregator.config.chain.poll_seconds)
    raise AssertionError(f"no {kinds} in {steps} steps")


class AggregatorSite:
    """One operator's folder. `peers` are the store folders it reads from; it holds the genesis itself if asked to."""

    def __init__(
        self,
        federation: LiveFederation,
        folder: Path,
        peers: Sequence[Path],
        tokens: int = 10_000 * TOKEN,
        genesis: MemoryLeaves | None = None,
        keep_rounds: int = 8,
    ) -> None:
        folder.mkdir(parents=True)
        self.federation = federation
        self.folder = folder
        self.store_path = folder / "store"
        self.config_path = folder / "aggregator.toml"
        self.account = keys.create(folder / "keystore.json", PASSWORD, iterations=2)
        password = folder / "password.txt"
        password.write_text(PASSWORD)
        password.chmod(0o600)
        coordinator = federation.coordinator
        text = render(
            [federation.chain.url],
            coordinator.chain_id,
            coordinator.address,
            "dir:store",
            [directory_url(peer) for peer in peers],
            "keystore.json",
            "password.txt",
        )
        for default, value in (
            ("poll_seconds = 2.0", "poll_seconds = 0.2"),
            ("keep_rounds = 8", f"keep_rounds = {keep_rounds}"),
        ):
            assert f"# {default}" in text
            text = text.replace(f"# {default}", value)
        with create_private(self.config_path) as file:
            file.write(text.encode())
        federation.provide(self.account.address, tokens)
        if genesis is not None:
            open_store(directory_url(self.store_path), folder / "cache").put(genesis)

    @property
    def address(self) -> str:
        return self.account.address

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    def config(self) -> AggregatorConfig:
        return load_config(self.config_path, AggregatorConfig)

    def start(self, command: str = "run", log_format: str = "human") -> Program:
        """`fedaggregator run`, or `watch`; what it says is appended to `log`."""
        output: IO[bytes]
        with self.log.open("ab") as output:
            arguments = ["fedaggregator", command, "--log-format", log_format, "--config", str(self.config_path)]
            return start(arguments, Path.cwd(), os.environ, output, output)

    @contextmanager
    def running(self, command: str = "run", log_format: str = "human") -> Iterator[Program]:
        """Runs inside the `with`; stopped by SIGTERM, which must end it well."""
        process = self.start(command, log_format)
        try:
            yield process
            process.terminate()
            assert process.wait(timeout=30) == 0, self.log.read_text()
        finally:
            process.kill()
            process.wait()
