"""A federation from beginning to end by the programs' commands alone: a sponsor, three sites and an aggregator, each in
a folder of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.deployment.record import load_deployment
from support.evm import Anvil
from support.short_rounds import SHORT, edit, skip_windows
from support.tiny_model import TEMPLATE, build_tiny_model, colour_rows, write_jsonl

CHAIN_ID, ROUNDS, SITES = 31_337, 2, 3
PASSWORD = "a password of the trial"
SECONDS = 300  # for all rounds, and for what a program is asked again and again
SPEC = ("--name", "Colours", "--base-model", "tests/tiny", "--source", "../model", "--quantization", "fp32")
SMALL = ("--sequence-length", "64", "--steps", "3", "--batch-size", "8", "--learning-rate", "5e-3")
PEERS = "# peers = ["
EDITED = {"min_clients = 3 ": f"min_clients = {SITES} ", **{old: new for old, new in SHORT.items() if old != PEERS}}
PORT = 9464  # where the first site's node shows its figures


class Running(Protocol):
    """A program that goes on, as `subprocess.Popen` is one."""

    def terminate(self) -> None: ...

    def wait(self, timeout: float) -> int: ...


class Programs(Protocol):
    """How `fednode` and `fedaggregator` are called, with a password in the environment."""

    def run(self, words: list[str], cwd: Path, password: str) -> str:
        """What a program prints that must succeed. Raises SystemExit if it does not."""
        ...

    def start(self, words: list[str], cwd: Path, password: str) -> Running:
        """A program that goes on; what it says is in `cwd`/console.txt."""
        ...


@dataclass(frozen=True)
class Federation:
    """Deployed, and joined by everybody."""

    programs: Programs
    folder: Path
    chain: Anvil
    coordinator: Coordinator

    @property
    def sites(self) -> list[Path]:
        return [self.folder / f"site-{number}" for number in range(SITES)]

    @contextmanager
    def running(self) -> Iterator[None]:
        """All programs of the sites and of the aggregator. Raises SystemExit if one does not end well when told to."""
        started = {site: self.programs.start(["fednode", "run"], site, PASSWORD) for site in self.sites}
        place = self.folder / "aggregator"
        started[place] = self.programs.start(["fedaggregator", "run"], place, PASSWORD)
        try:
            yield
        finally:
            for program in started.values():
                program.terminate()
            ended = {place: program.wait(60) for place, program in started.items()}
        if wrong := {place.name: status for place, status in ended.items() if status}:
            raise SystemExit(f"told to stop, these ended with {wrong}")

    def until_final(self, count: int) -> None:
        """Waits until so many rounds are final. Raises SystemExit, which has what the programs say."""
        deadline = time.monotonic() + SECONDS
        while self.coordinator.final_count() < count:
            if time.monotonic() > deadline:
                consoles = [file.read_text()[-2000:] for file in self.folder.glob("*/console.txt")]
                raise SystemExit("\n".join(["the rounds do not end", *consoles]))
            skip_windows(self.chain, self.coordinator)
            time.sleep(0.5)

    def rounds(self) -> list[float]:
        """Waits until all are final, and gives the loss of the sites' test rows after each: the mean over the sites."""
        self.until_final(ROUNDS)
        losses = [self._scored(site) for site in self.sites]
        return [sum(column) / SITES for column in zip(*losses, strict=True)]

    def close(self) -> None:
        """The sponsor sees that all rounds are final, and closes."""
        run, sponsor = partial(self.programs.run, password=PASSWORD), self.folder / "sponsor"
        shown = run(["fednode", "federation", "show", "--rpc", self.chain.url], sponsor)
        assert f"{ROUNDS} of {ROUNDS} final" in shown, shown
        run(["fednode", "federation", "close", "now", "--rpc", self.chain.url], sponsor)

    def _scored(self, site: Path) -> list[float]:
        """The losses of all rounds, once the last has one: a node scores a global after it is final."""
        deadline = time.monotonic() + SECONDS
        while True:
            said = self.programs.run(["fednode", "rounds", "--json"], site, PASSWORD)
            losses = [one["loss"] for one in json.loads(said)]
            if None not in losses:
                return losses
            if time.monotonic() > deadline:
                raise SystemExit(f"{site.name}: not every round has a score: {losses}")
            time.sleep(1)


def told(began: float, losses: Sequence[float]) -> str:
    """What the rounds took since `began` (`time.monotonic`), and came to."""
    said = f"loss {losses[0]:.3f} after the first and {losses[-1]:.3f} after the last"
    return f"{ROUNDS} rounds in {time.monotonic() - began:.0f} s, {said}"


@contextmanager
def founded(
    programs: Programs, folder: Path, store: str = "", chain_options: Sequence[str] = ()
) -> Iterator[Federation]:
    """A federation on a chain of its own, which ends with it, in the new `folder`. Needs anvil (`make setup`).

    `store`: one that everybody uses; by default each has a folder of its own. `chain_options`: more options of anvil.
    """
    sponsor, aggregator = folder / "sponsor", folder / "aggregator"
    for place in (sponsor, aggregator):
        place.mkdir(parents=True)
    for file in build_tiny_model(folder / "model").iterdir():
        file.chmod(0o644)  # the sites' accounts may be others than the trial's
    with Anvil("--block-time", "1", "--chain-id", str(CHAIN_ID), *chain_options) as chain:
        at, stored = ("--rpc", chain.url), ("--store", store) if store else ()

        def sponsors(*words: str) -> str:
            return programs.run(["fednode", *words], sponsor, PASSWORD)

        rounds = ("--template", TEMPLATE, "--rounds", str(ROUNDS), "--store", store or "dir:store")
        sponsors("spec", "new", *SPEC, *SMALL, *rounds)
        sponsors("federation", "new")
        served = {} if store else {PEERS: SHORT[PEERS], '"dir:sponsor"': f'"dir:{sponsor}/store"'}
        edit(sponsor / "federation.toml", {**EDITED, **served})
        sponsors("federation", "plan", "federation.toml", *at)
        sponsors("federation", "deploy", "federation.toml", *at)
        sponsors("federation", "fund", *at)
        deployment = load_deployment(sponsor / "deployments", CHAIN_ID)
        invitation = str(sponsor / f"deployments/{CHAIN_ID}.invitation.json")
        coordinator = Coordinator.connect(chain.url, deployment.coordinator, CHAIN_ID)
        federation = Federation(programs, folder, chain, coordinator)
        for number, site in enumerate(federation.sites):
            site.mkdir()
            write_jsonl(site / "train.jsonl", colour_rows(48, seed=number))
            write_jsonl(site / "test.jsonl", colour_rows(24, seed=10 + number))
            given = ("--invitation", invitation, "--model", "../model", "--test", "test.jsonl")
            programs.run(["fednode", "init", *given, *stored], site, PASSWORD)
            if number == 0:
                edit(site / "fednode.toml", {"# port = 0 ": f"port = {PORT} "})
            address = programs.run(["fednode", "account", "new"], site, PASSWORD).split()[-1]
            sponsors("federation", "faucet", address, *at)
            programs.run(["fednode", "join"], site, PASSWORD)
        programs.run(["fedaggregator", "init", "--invitation", invitation, *stored], aggregator, PASSWORD)
        address = json.loads((aggregator / "keystore.json").read_text())["address"]
        sponsors("federation", "faucet", f"0x{address.removeprefix('0x')}", *at)
        yield federation
