"""Add an aggregation rule: its NumPy half, compared with the contract value by value.

    python examples/add_rule.py http://127.0.0.1:8545 31337 0xRULE

A rule is a pair that must agree to the last bit: a contract that implements `interfaces/IAggregationRule.sol`, which
disputes are decided by, and the class that every program computes with. Here the contract is
`contracts/mocks/rules/StateRule.sol`, a mean with momentum. To add a rule to the programs, put its class into a module
of `fedaggregator.rules` that names it `RULE`. Exits with 1 if the two differ.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import numpy as np
from fedaggregator.rules.base import Sums
from fedprotocol.chain.abi import load
from fedprotocol.chain.endpoint.rpc import connect_web3
from fedprotocol.numbers import from_bytes, to_bytes
from numpy.typing import NDArray

INT32 = np.iinfo(np.int32)
LEAF_VALUES, BITS, CLIENTS = 32, 16, 5


class Momentum:
    """state' = state + sum / total weight, toward zero; weights' = weights + state'; both within int32."""

    name, contract, parts = "test-state", "StateRule", 2
    summary = "The sum of all means so far, in which each update counts by its weight."

    def max_clients(self, leaf_values: int, bits: int) -> int:  # noqa: ARG002
        return 256

    def sums_bytes(self, updates: int, leaf_values: int, bits: int) -> int:  # noqa: ARG002
        return 8 * leaf_values

    def gas_bound(self, updates: int, leaf_values: int, bits: int, start: int, final: bool) -> int:  # noqa: ARG002
        return leaf_values * 20_000 * (updates + 2)

    def accumulate(self, sums: Sums | None, mantissas: NDArray[np.signedinteger[Any]], weight: int, shift: int) -> Sums:
        added = mantissas.astype(np.int64) * (weight << shift)
        return added if sums is None else sums + added

    def finish(self, sums: Sums, prior: NDArray[np.int32], total_weight: int, server_lr: int) -> NDArray[np.int32]:  # noqa: ARG002
        weights, state = prior.astype(np.int64)
        state = np.clip(state + np.sign(sums) * (np.abs(sums) // total_weight), INT32.min, INT32.max)
        return np.stack([np.clip(weights + state, INT32.min, INT32.max), state]).astype(np.int32)


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare a rule's two halves on random updates.")
    parser.add_argument("rpc", help="URL of an Ethereum node.")
    parser.add_argument("chain_id", type=int, help="The chain's id.")
    parser.add_argument("rule", help="Address of the rule's contract.")
    given = parser.parse_args()

    rule = Momentum()
    web3 = connect_web3(given.rpc, given.chain_id)
    contract = web3.eth.contract(address=web3.to_checksum_address(given.rule), abi=load("rule")).functions
    if contract.name().call() != rule.name:
        sys.exit(f"{given.rule} is the contract of another rule than {rule.name}")

    random = np.random.default_rng(1)
    prior = random.integers(INT32.min, INT32.max, (rule.parts, 1, LEAF_VALUES), dtype=np.int32, endpoint=True)
    sums: Sums = np.zeros((1, LEAF_VALUES), dtype=np.int64)
    sums_on_chain, total = b"", 0
    for _ in range(CLIENTS):
        mantissas = random.integers(-(2**15), 2**15, (1, LEAF_VALUES), dtype=np.int16)
        weight, shift = int(random.integers(1, 1_000)), int(random.integers(0, 31 - BITS))
        sums = rule.accumulate(sums, mantissas, weight, shift)
        sums_on_chain = contract.accumulate(sums_on_chain, to_bytes(mantissas), BITS, weight, shift).call()
        total += weight
    ours = rule.finish(sums, prior, total, 2**16)
    theirs = from_bytes(contract.finish(sums_on_chain, to_bytes(prior), total, 2**16).call(), 32).reshape(ours.shape)
    differ = int(np.count_nonzero(ours != theirs))
    print(f"{ours.size - differ} of {ours.size} values agree after {CLIENTS} updates")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
