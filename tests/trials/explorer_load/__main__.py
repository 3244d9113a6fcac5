"""`make explorer-load`: the explorer of 1,000 rounds of 32 clients and of 50 rounds of 256: how long it reads at first,
how much memory it takes, how soon each page is there, and what viewers cost the chain's node."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from fedprotocol.store.directory import DirectoryStore
from support.big_federation import BigFederation, quick_chain
from support.evm import ROOT

from explorer_load.measure import Measured, measured
from explorer_load.table import as_markdown

SIZES = ((1000, 32), (50, 256))
CONTENT = 10  # of the last rounds: the rest would only fill the disk


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="explorer_load", description=__doc__)
    parser.add_argument("--rounds", type=int, help="play only one federation, of that many rounds")
    parser.add_argument("--clients", type=int, default=32, help="and of that many clients (default: 32)")
    parser.add_argument("--again", type=int, default=1, help="measure each chain so many times, with a new explorer")
    parser.add_argument("--folder", type=Path, default=ROOT / "runs/explorer-load", help="folder for logs and stores")
    given = parser.parse_args(arguments)
    sizes = ((given.rounds, given.clients),) if given.rounds else SIZES
    for rounds, clients in sizes:
        for result in _play(given.folder.resolve() / f"{rounds}x{clients}", rounds, clients, given.again):
            print("\n" + as_markdown(result), flush=True)
    return 0


def _play(folder: Path, rounds: int, clients: int, again: int) -> list[Measured]:
    begun, wall = time.monotonic(), int(time.time())
    with quick_chain(clients, wall - rounds * 900) as chain:
        store = DirectoryStore(folder / "store")
        big = BigFederation(chain, rounds, clients, store, max(1, rounds - CONTENT + 1))
        big.play(lambda number: _say(number, rounds, begun))
        print(f"played {rounds} rounds of {clients} clients in {time.monotonic() - begun:.0f} s", flush=True)
        return [measured(big, folder, store.path) for _ in range(again)]


def _say(number: int, rounds: int, begun: float) -> None:
    if number % max(1, rounds // 10) == 0:
        print(f"round {number} of {rounds} after {time.monotonic() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
