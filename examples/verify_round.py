"""Verify a round: recompute its global model from the updates that were accepted, and compare the roots.

    python examples/verify_round.py http://127.0.0.1:8545 31337 0xCOORDINATOR ROUND dir:/path/to/store

The last argument is where the updates and the prior global model are found: `dir:PATH` for a site's directory,
`http://127.0.0.1:5001` for a Kubo daemon. Every byte is verified against the roots on the chain. Exits with 1 if the
global model is wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from fedaggregator.compute.inputs import global_shape, recompute, rule_of
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.snapshot import RoundState
from fedprotocol.store.open import open_store
from fedprotocol.tree import cid
from fedprotocol.types import Phase


def main() -> int:
    parser = argparse.ArgumentParser(description="Recompute a round's global model.")
    parser.add_argument("rpc", help="URL of an Ethereum node.")
    parser.add_argument("chain_id", type=int, help="The chain's id.")
    parser.add_argument("coordinator", help="Address of the federation's coordinator.")
    parser.add_argument("round", type=int, help="A final round.")
    parser.add_argument("store", help="Where the updates are found.")
    given = parser.parse_args()

    coordinator = Coordinator.connect(given.rpc, given.coordinator, given.chain_id)
    view = coordinator.round_view(given.round)
    if view.phase is not Phase.FINAL:
        sys.exit(f"round {given.round} is in {view.phase.name}: only a final round has a global model to verify")
    state = RoundState(
        number=given.round,
        view=view,
        updates=coordinator.updates(given.round),
        proposals=(),
        my_commitment=None,
        my_index=None,
        my_pages=0,
    )
    shape = global_shape(coordinator.config(), rule_of(coordinator))
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(given.store, Path(folder, "cache"))
        with (
            store.get(view.prior_root, shape) as prior,
            recompute(coordinator, store, state, prior, Path(folder, "leaves")) as leaves,
        ):
            computed = leaves.root
    print(f"on the chain: {cid(view.global_root)}")
    print(f"recomputed:   {cid(computed)}")
    print("the global model is right" if computed == view.global_root else "THE GLOBAL MODEL IS WRONG")
    return 0 if computed == view.global_root else 1


if __name__ == "__main__":
    sys.exit(main())
