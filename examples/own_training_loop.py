"""Take part in one round as a client, with a training loop of your own.

    python examples/own_training_loop.py http://127.0.0.1:8545 31337 0xCOORDINATOR KEYSTORE PASSWORD_FILE dir:./store

The account must have a seat (`fednode join`). What is trained here is a least-squares model on random rows, so that the
example needs NumPy alone; put your own code into `train`. A client that lasts must also keep its salt on disk before it
commits, and check the others' updates before it vouches for them, as `fednode run` does.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
from fedaggregator.compute.inputs import global_shape, rule_of
from fedprotocol.car import MemoryLeaves
from fedprotocol.chain.account.signer import KeystoreSigner
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.send.sender import Sender
from fedprotocol.journal import Journal
from fedprotocol.numbers import UNIT, encode_delta, from_bytes, split_leaves
from fedprotocol.store.open import open_store
from fedprotocol.types import Phase
from numpy.typing import NDArray

EXAMPLES = 64
STEPS, RATE = 50, 0.05


def train(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """What local training changes of the global model's weights, float64 [n]: replace this by your own."""
    random = np.random.default_rng()
    rows = random.normal(size=(EXAMPLES, weights.size)) / np.sqrt(weights.size)
    targets = rows @ np.ones(weights.size)
    trained = weights.copy()
    for _ in range(STEPS):
        trained -= RATE * rows.T @ (rows @ trained - targets)
    return trained - weights


def main() -> None:
    parser = argparse.ArgumentParser(description="Take part in one round with a training loop of your own.")
    parser.add_argument("rpc", help="URL of an Ethereum node.")
    parser.add_argument("chain_id", type=int, help="The chain's id.")
    parser.add_argument("coordinator", help="Address of the federation's coordinator.")
    parser.add_argument("keystore", type=Path, help="Encrypted key of an account that has a seat.")
    parser.add_argument("password_file", type=Path, help="File that holds the keystore's password.")
    parser.add_argument("store", help="Where the update is published and the global model is found.")
    parser.add_argument("--home", type=Path, default=Path("own-client"), help="Folder for the journal and the cache.")
    given = parser.parse_args()

    given.home.mkdir(parents=True, exist_ok=True)
    coordinator = Coordinator.connect(given.rpc, given.coordinator, given.chain_id)
    store = open_store(given.store, given.home / "cache")
    signer = KeystoreSigner.open(given.keystore, given.password_file)
    config, calls = coordinator.config(), coordinator.calls
    with Journal(given.home / "journal.sqlite") as journal:
        sender = Sender(coordinator.web3, signer, journal)

        done, prior_root = coordinator.latest_final()
        number = max(coordinator.last_opened(), done + 1)
        with store.get(prior_root, global_shape(config, rule_of(coordinator))) as leaves:
            prior = from_bytes(b"".join(leaves[i] for i in range(config.leaf_count)), 32)
        changed = train(prior * UNIT)
        delta = encode_delta(changed / UNIT, config.mantissa_bits, np.random.default_rng())
        update = MemoryLeaves(split_leaves(delta.mantissas, config.leaf_values))
        print(f"round {number}: trained; the update's norm is {np.linalg.norm(changed):.3g}", flush=True)

        salt = os.urandom(32)
        promise = coordinator.commit_hash(number, signer.address, prior_root, update.root, delta.shift, EXAMPLES, salt)
        sender.send(calls.commit(number, prior_root, promise), "commit")
        store.put(update)
        wait_for(coordinator, number, Phase.REVEAL)
        loss_before, loss_after = 2_000_000, 1_000_000  # millionths of a nat, for people: nothing is paid by them
        reveal = calls.reveal(number, update.root, delta.shift, EXAMPLES, salt, loss_before, loss_after)
        sender.send(reveal, "reveal")
        wait_for(coordinator, number, Phase.ATTEST)
        view = coordinator.round_view(number)
        sender.send(calls.attest(number, view.inputs_hash, (1 << view.revealed) - 1), "attest")
        print(f"round {number}: committed, revealed and vouched for {view.revealed} updates", flush=True)


def wait_for(coordinator: Coordinator, number: int, phase: Phase) -> None:
    while coordinator.round_view(number).phase < phase:
        time.sleep(1)


if __name__ == "__main__":
    main()
