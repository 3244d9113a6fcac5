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
from fedprotocol.program.peak_memory import peak_memory
from fedprotocol.types import Phase
from support.evm import ROOT, Anvil

PAGE = ROOT / "docs/load.md"
LEAF_VALUES = 1024
PATIENT = {"trainLength": 7200, "revealLength": 7200, "attestLength": 7200, "challengeLength": 7200}
SLOWEST = 3600.0  # seconds for the aggregator
AGGREGATION = "for the aggregator to fetch, verify, merge and propose"
EVENTS = {
    "Committed": "a commit",
    "Revealed": "a reveal",
    "Attested": "an attestation",
    "Claimed": "a claim",
    "Proposed": "the proposal",
}  # and the call that causes each


@dataclass
class Measured:
    """What one round took: `seconds` of each step, and the mean `gas` of a client's call by the event that it caused.

    `peak` is the aggregator's resident memory and `merged` the size of all updates, both in bytes."""

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
    parser.add_argument("--clients", type=int, nargs="+", default=[16, 64, 256], help="play a round for each number")
    parser.add_argument(
        "--values",
        type=int,
        default=460_800,
        help="number of values in an update (default: 460800, which is 450 leaves)",
    )
    parser.add_argument("--folder", type=Path, default=ROOT / "runs/load", help="folder for the logs and stores")
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
        with measured.timed("to make the updates and join"):
            crowd = Crowd(arena, "clients", honest=True, size=count, examples=64)
        [aggregator] = arena.aggregators
        with measured.timed("for the aggregator to start"):
            arena.start(aggregator)
            arena.wait("it has looked at the chain", lambda: bool(aggregator.status), SLOWEST)
        aggregator.freeze()  # or it would fetch while others still reveal, and the clock would not see that
        with measured.timed("to publish and commit"):
            crowd.commit(1, arena.genesis.root)
        with measured.timed("to reveal"):
            crowd.reveal(1)
        with measured.timed("to attest"):
            crowd.attest(1)
        with measured.timed(AGGREGATION):
            aggregator.thaw()
            arena.wait("the global is proposed", lambda: bool(arena.live(1)), SLOWEST)
        measured.peak = peak_memory(aggregator.pid)
        arena.reach(1, Phase.FINAL)
        settle = arena.coordinator.calls.settle(crowd.members[0].address)
        arena.chain.send_all([(settle, arena.chain.accounts[0])])  # or the first claim would pay for settling the round
        with measured.timed("to claim"):
            crowd.claim()
        measured.merged = count * leaves * LEAF_VALUES
        measured.gas = _gas(arena)
        assert arena.coordinator.round_view(1).global_root == arena.observer.right(1).root
        arena.conclude(goes_on=False)
    return measured


def _gas(arena: Arena) -> dict[str, float]:
    """The mean gas of the calls that caused each event."""
    by_event = defaultdict(list)
    for name in EVENTS:
        for event in arena.events(name):
            by_event[name].append(arena.chain.web3.eth.get_transaction_receipt(event.tx_hash)["gasUsed"])
    return {name: sum(used) / len(used) for name, used in by_event.items()}


def as_markdown(results: list[Measured], values: int) -> str:
    rows: list[tuple[str, list[str]]] = [("clients", [str(r.clients) for r in results])]
    rows += [("all updates together", [f"{r.merged / 1e6:.1f} MB" for r in results])]
    rows += [(f"seconds {step}", [f"{r.seconds[step]:.1f}" for r in results]) for step in results[0].seconds]
    rows += [(f"gas of {EVENTS[name]}", [f"{r.gas[name]:,.0f}" for r in results]) for name in results[0].gas]
    rows += [("gas of one client, all its calls together", [f"{_client_gas(r):,.0f}" for r in results])]
    speeds = [f"{r.merged / 1e6 / r.seconds[AGGREGATION]:.1f}" for r in results]
    rows += [("MB of updates that the aggregator takes in per second", speeds)]
    rows += [("the most memory that the aggregator used (resident)", [f"{r.peak / 2**20:.0f} MiB" for r in results])]
    lines = [f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows]
    lines.insert(1, "|---|" + "---:|" * len(results))
    return f"An update has {values:,} values of 8 bits, in leaves of {LEAF_VALUES:,}:\n\n" + "\n".join(lines) + "\n"


def _client_gas(result: Measured) -> float:
    return sum(gas for name, gas in result.gas.items() if name != "Proposed")


def _page(results: list[Measured], values: int) -> str:
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    commit = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    return f"""# Load

`make load` plays one round with many clients, whose updates are as large as those of a real adapter, and measures how
long each step takes and what it costs. The clients have no model, so their updates are random numbers. They publish in
folders, and anvil, the local Ethereum node, mines every transaction at once. One `fedaggregator run` works on one
thread; it starts before the round does, and stands still until all have attested. Every global was compared with FedAvg
computed in Python's integers.

This is the run of {datetime.now(UTC):%Y-%m-%d} at commit {commit}, on 2 cores. {as_markdown(results, values)}"""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
