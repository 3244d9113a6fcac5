"""`make twins`: every rule's contract on a real EVM against its NumPy twin, the contract as one reads it, and the
formula, for as many values as asked. Rounds have any size, and the protocol's limits among their numbers. Exits with 1
at a difference."""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
from fedprotocol import compiled
from support.evm import Anvil
from support.rule_formulas import leaf
from support.rule_rounds import Round, drawn
from support.rules import TESTED, deployed

MOST = 2**17  # mantissas in a round, and values that are computed by the formula or by the readable contract
READABLE = 2**11


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare the rules' contracts with their twins in NumPy.")
    parser.add_argument("--rule", choices=sorted(TESTED), action="append", help="Only this rule; may be given again.")
    parser.add_argument("--values", type=int, default=20_000_000, help="How many results to compare for each rule.")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="Of the random rounds.")
    given = parser.parse_args()
    print(f"seed {given.seed}")
    compiled.expect(compiled.MANY_BYTES)  # what merges large updates is what is compared
    with Anvil("--gas-limit", "1000000000") as chain:
        for name in given.rule or sorted(TESTED):
            rule, begun = TESTED[name], time.monotonic()
            contract, readable = deployed(chain, rule), deployed(chain, rule, "Reference")
            rng = np.random.default_rng(given.seed)
            compared = rounds = by_formula = 0
            while compared < given.values:
                played = any_round(rng, name)
                new = played.finished(rule)
                begin = played.first(max(32, READABLE // len(played.weights) // 32 * 32))
                formula = leaf(name, begin.updates, begin.prior, begin.server_lr)
                small = begin.finished_on_chain(rule, contract)
                right = (
                    (played.finished_on_chain(rule, contract) == new).all()
                    and small.tolist() == formula
                    and begin.finished(rule).tolist() == formula
                    and (begin.finished_on_chain(rule, readable) == small).all()
                )
                if not right:
                    print(f"{name}: round {rounds} of seed {given.seed} differs: {played}", file=sys.stderr)
                    return 1
                compared, rounds, by_formula = compared + new.size, rounds + 1, by_formula + small.size
            took = time.monotonic() - begun
            print(
                f"{name}: {compared:,} results of {rounds:,} rounds, {by_formula:,} by formula, {took:,.0f} s",
                flush=True,
            )
    return 0


def any_round(rng: np.random.Generator, name: str) -> Round:
    """1 .. 256 updates, mostly few, of 32 .. 8,192 values."""
    clients = int(rng.integers(1, 12) if rng.random() < 0.9 else rng.integers(12, 257))
    powers = [2**power for power in range(5, 14) if 2**power * clients <= MOST]
    return drawn(rng, TESTED[name], clients, int(rng.choice(powers[-3:] if rng.random() < 0.8 else powers)))


if __name__ == "__main__":
    sys.exit(main())
