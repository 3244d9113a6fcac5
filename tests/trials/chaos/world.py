"""The federation that is injured: real programs, an anvil, a Kubo for each of them, and proxies in between."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from attacks.actors import Actor
from attacks.balances import Books
from attacks.fedavg import Observer
from fednode.sponsor.new_spec import publish
from fedprotocol.store.open import open_store
from support.aggregators import COMMAND, AggregatorSite
from support.config_files import rewrite
from support.evm import Anvil
from support.kubo_network import KuboNetwork
from support.live_federation import TOKEN
from support.sites import BIN, Sites, choices

from chaos.plan import DEEPEST
from chaos.program import Program
from chaos.proxy import Proxy

AGGREGATOR, WATCHTOWER = "aggregator", "watchtower"
CONTRACT = {
    "minClients": 2,
    "trainLength": 900,
    "revealLength": 300,
    "attestLength": 300,
    "challengeLength": 900,
    "minWindow": 10,
    "abandonAfter": 3600,
}
NODE = {"propose_after": 10, "attest_margin": 60, "keep_rounds": 2}
DISK = "24m"  # of a program's home
POLL = 0.5  # seconds


class World:
    """`nodes` sites, an aggregator and a watchtower. `rounds`: how many the federation may last. A context manager;
    nothing is injured yet, and no program runs."""

    def __init__(self, folder: Path, nodes: int, rounds: int) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.folder = folder
        self.names = [*(f"node-{i}" for i in range(nodes)), AGGREGATOR, WATCHTOWER]
        self.programs: dict[str, Program] = {}
        self.rpc: dict[str, Proxy] = {}
        self.ipfs: dict[str, Proxy] = {}
        self.small_disks = os.geteuid() == 0
        self._nodes, self._rounds = nodes, rounds
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            self.chain = opening.enter_context(Anvil())
            self.kubos = opening.enter_context(KuboNetwork(self.folder / "kubo", ["sponsor", *self.names]))
            for name in self.names:
                daemon = self.kubos.daemons[name]
                self.rpc[name] = opening.enter_context(Proxy(lambda: self.chain.url))
                self.ipfs[name] = opening.enter_context(Proxy(lambda daemon=daemon: daemon.url))
            self._found(opening)
            opening.callback(self._kill_all)
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def start(self) -> None:
        """All programs; a block a second from here. Re-orgs do not reach back to before this."""
        self.chain.rpc("anvil_mine", hex(DEEPEST + 2))
        self.chain.rpc("evm_setIntervalMining", 1)
        for program in self.programs.values():
            program.start()

    def disk(self, name: str) -> Path:
        """Where a program's home is mounted."""
        return self.programs[name].home

    def _found(self, opening: ExitStack) -> None:
        """Contracts, spec, accounts, seats, configs."""
        training = choices().training.model_copy(update={"rounds": self._rounds})
        sites = Sites(
            self.chain,
            self.folder,
            self._nodes,
            {"node": NODE, "data": {"test": None}},
            {"training": training},
            **CONTRACT,
            totalRounds=self._rounds,
            pool=100 * TOKEN * (self._rounds + 2),
        )
        self.federation, self.coordinator = sites.federation, sites.coordinator
        sponsor = open_store(
            f"kubo:{self.kubos.daemons['sponsor'].url}", self.folder / "observer", self.kubos.peers("sponsor")
        )
        publish(sites.spec, sponsor)
        self.observer = Observer(self.coordinator, sponsor)
        self.books = Books(self.chain, self.coordinator)
        self.books.enter(self.books.party("sponsor", honest=True), self.coordinator.config().sponsor)
        for name, site in zip(self.names, sites.sites, strict=False):
            self._enter(name, site.account.address)
            with_seat = Actor(self.coordinator, site.account, self.folder / f"{name}.sqlite")
            with_seat.join()
            with_seat.close()
            self._add(opening, name, [str(BIN / "fednode"), "run"], site.folder, site.config)
        for name, command in ((AGGREGATOR, "run"), (WATCHTOWER, "watch")):
            operator = AggregatorSite(self.federation, self.folder / name, [])
            self._enter(name, operator.address)
            words = [str(COMMAND), command, "--config", str(operator.config_path)]
            self._add(opening, name, words, operator.folder, operator.config_path)

    def _enter(self, name: str, address: str) -> None:
        self.books.enter(self.books.party(name, honest=True), address)

    def _add(self, opening: ExitStack, name: str, command: list[str], folder: Path, config: Path) -> None:
        home = folder / "home"
        home.mkdir()
        if self.small_disks:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(home)], check=True)
            opening.callback(subprocess.run, ["umount", "--lazy", str(home)], check=True)
        store: dict[str, Any] = {"url": f"kubo:{self.ipfs[name].url}", "peers": self.kubos.peers(name)}
        rewrite(config, chain={"rpc": [self.rpc[name].url], "poll_seconds": POLL}, store=store)
        logs = self.folder / "logs"
        logs.mkdir(exist_ok=True)
        self.programs[name] = Program(name, command, folder, home, logs / f"{name}.log")

    def _kill_all(self) -> None:
        for program in self.programs.values():
            program.kill()
