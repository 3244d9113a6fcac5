"""`make load`: one round with many clients whose updates are as large as a real adapter's, real contract and store; how
long each step takes, what it costs a client, what an aggregator needs."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from attacks.arena import Arena, Stage
from attacks.crowd import Crowd
from fedlab.demo.supervisor import peak_memory
from fedprotocol.types import Phase
from support.evm import ROOT, Anvil

PAGE = ROOT / "docs/load.md"
LEAF_VALUES = 1024
PATIENT = {"trainLength": 7200, "revealLength": 7200, "attestLength": 7200, "challengeLength": 7200}
SLOWEST = 3600.0  # seconds for the aggregator
EVENTS = ("Committed", "Revealed", "Attested")


@dataclass
class Measured:
    """Of one round. `seconds` by step, mean `gas` of a client by call; in bytes: `peak` resident, `merged` updates."""

    clients: int
    seconds: dict[str, float] = field(default_factory=dict)
    gas: dict[str, float] = field(default_factory=dict)
    peak: int = 0
    merged: int = 0

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        self.seconds[step] = time.monotonic() - begun
        print(f"{self.clients} clients: {step} took {self.seconds[step]:.1f} s", flush=True)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="load", description=__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=[16, 64, 256], help="a round for each number")
    parser.add_argument("--values", type=int, default=460_800, help="of an update (default: 460800, 450 leaves)")
    parser.add_argument("--folder", type=Path, default=ROOT / "runs/load")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    given = parser.parse_args(arguments)
    if not all(2 <= count <= 256 for count in given.clients):
        parser.error("a round has 2 to 256 clients")
    results = [measure(given.folder.resolve(), count, given.values) for count in given.clients]
    print("\n" + as_markdown(results, given.values))
    if given.write:
        PAGE.write_text(_page(results, given.values))
        print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


def measure(folder: Path, count: int, values: int) -> Measured:
    """Raises AssertionError if the round does not end with the right global."""
    measured = Measured(count)
    leaves = -(-values // LEAF_VALUES)
    with Anvil() as chain, Arena(Stage(chain, folder), f"{count}-clients") as arena:
        shape = {"leaf_count": leaves, "leaf_values": LEAF_VALUES, "mantissaBits": 8, "maxClients": count}
        arena.open(nodes=0, aggregators=1, rounds=1, **shape, **PATIENT)
        with measured.timed("make updates, join"):
            crowd = Crowd(arena, "clients", honest=True, size=count, examples=64)
        with measured.timed("publish and commit"):
            crowd.commit(1, arena.genesis.root)
        with measured.timed("reveal"):
            crowd.reveal(1)
        with measured.timed("attest"):
            crowd.attest(1)
        [aggregator] = arena.aggregators
        with measured.timed("fetch, verify, merge, propose"):
            arena.start(aggregator)
            arena.wait("the global is proposed", lambda: bool(arena.live(1)), SLOWEST)
        measured.peak = peak_memory(aggregator.pid)
        arena.reach(1, Phase.FINAL)
        settle = arena.coordinator.calls.settle(crowd.members[0].address)
        arena.chain.send_all([(settle, arena.chain.accounts[0])])  # of the round: the first claim would pay for it
        with measured.timed("claim"):
            crowd.claim()
        measured.merged = count * leaves * LEAF_VALUES
        measured.gas = _gas(arena)
        assert arena.coordinator.round_view(1).global_root == arena.observer.right(1).root
        arena.conclude(goes_on=False)
    return measured


def _gas(arena: Arena) -> dict[str, float]:
    """Mean gas of a client's call, by the event that it made; and of the proposal."""
    by_event = defaultdict(list)
    for name in (*EVENTS, "Claimed", "Proposed"):
        for event in arena.events(name):
            by_event[name].append(arena.chain.web3.eth.get_transaction_receipt(event.tx_hash)["gasUsed"])
    return {name: sum(used) / len(used) for name, used in by_event.items()}


def as_markdown(results: list[Measured], values: int) -> str:
    rows: list[tuple[str, list[str]]] = [("clients", [str(r.clients) for r in results])]
    rows += [("bytes of updates", [f"{r.merged / 1e6:.1f} MB" for r in results])]
    rows += [(f"{step}, s", [f"{r.seconds[step]:.1f}" for r in results]) for step in results[0].seconds]
    rows += [(f"gas: {name}", [f"{r.gas[name]:,.0f}" for r in results]) for name in results[0].gas]
    client = (*EVENTS, "Claimed")
    rows += [("gas of a client in all", [f"{sum(r.gas[name] for name in client):,.0f}" for r in results])]
    step = "fetch, verify, merge, propose"
    rows += [("aggregator, MB of updates a second", [f"{r.merged / 1e6 / r.seconds[step]:.1f}" for r in results])]
    rows += [("aggregator, peak resident memory", [f"{r.peak / 2**20:.0f} MiB" for r in results])]
    lines = [f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows]
    lines.insert(1, "|---|" + "---:|" * len(results))
    return f"One round, {values:,} values of 8 bits an update, {LEAF_VALUES} to a leaf:\n\n" + "\n".join(lines) + "\n"


def _page(results: list[Measured], values: int) -> str:
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    commit = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    return f"""# Load

`make load` at {commit}, {datetime.now(UTC):%Y-%m-%d}, 2 cores: an anvil that mines at once, directory stores,
clients without a model (their updates are random), one `fedaggregator run` on one thread, its start included. Every
global was compared with FedAvg in Python's integers.

{as_markdown(results, values)}"""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
