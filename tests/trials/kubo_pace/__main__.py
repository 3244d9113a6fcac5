"""`make kubo-pace`: how long publishing and fetching through Kubo take, beside what Kubo needs for the same blocks.

Both take turns, each with a tree of its own, on a daemon that is offline. Kubo's own figures are those of its commands
`ipfs dag import` and `ipfs dag export`; ours include copying, verifying and pinning.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from fedprotocol.car import MemoryLeaves, write_car
from fedprotocol.numbers import split_leaves
from fedprotocol.program import environment
from fedprotocol.store.kubo_daemon import KuboDaemon
from fedprotocol.store.open import open_store
from fedprotocol.tree import cid
from support.evm import ROOT

IPFS = ROOT / ".tools/bin/ipfs"
LEAF_VALUES = 1024


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="kubo_pace", description=__doc__)
    parser.add_argument("--leaves", type=int, default=20_000, help="leaves of a tree, of 1 KiB each")
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args(arguments)
    rng, times = np.random.default_rng(1), list[tuple[float, ...]]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with KuboDaemon(IPFS, folder / "repo", offline=True) as daemon:
            store = open_store(f"kubo:{daemon.url}", folder / "cache")
            for _ in range(given.turns):
                theirs, ours = (_tree(rng, given.leaves) for _ in range(2))
                car = folder / "theirs.car"
                with car.open("wb") as file:
                    write_car(theirs, file)
                times.append(
                    (
                        _seconds(lambda: _ipfs(folder / "repo", "dag", "import", str(car))),  # noqa: B023
                        _seconds(lambda: store.put(ours)),  # noqa: B023
                        _seconds(lambda: _ipfs(folder / "repo", "dag", "export", cid(theirs.root))),  # noqa: B023
                        _seconds(lambda: store.get(theirs.root, theirs.shape).close()),  # noqa: B023
                    )
                )
                print("  ".join(f"{seconds:.2f}" for seconds in times[-1]), flush=True)
    taken, put, sent, got = map(statistics.median, zip(*times, strict=True))
    print(f"\nimport: Kubo {taken:.2f} s, ours {put:.2f} s ({put / taken:.2f} times as long)")
    print(f"export: Kubo {sent:.2f} s, ours {got:.2f} s ({got / sent:.2f} times as long)")
    return 0


def _tree(rng: np.random.Generator, leaves: int) -> MemoryLeaves:
    tree = MemoryLeaves(split_leaves(rng.integers(-128, 128, leaves * LEAF_VALUES, np.int8), LEAF_VALUES))
    assert tree.root  # both know their digests before the clock runs
    return tree


def _ipfs(repo: Path, *arguments: str) -> None:
    env = {**environment.given(), "IPFS_PATH": str(repo)}
    with (repo.parent / "out").open("wb") as out:
        subprocess.run([str(IPFS), *arguments], env=env, stdout=out, stderr=subprocess.DEVNULL, check=True)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
