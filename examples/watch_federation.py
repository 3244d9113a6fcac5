"""Watch a federation: print every event, and the state of the newest round. Needs no key.

python examples/watch_federation.py http://127.0.0.1:8545 31337 0xCOORDINATOR [--once]
"""

from __future__ import annotations

import argparse
import time

from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.events import first_round_block, scan


def main() -> None:
    parser = argparse.ArgumentParser(description="Print a federation's events as they come.")
    parser.add_argument("rpc", help="URL of an Ethereum node.")
    parser.add_argument("chain_id", type=int, help="The chain's id.")
    parser.add_argument("coordinator", help="Address of the federation's coordinator.")
    parser.add_argument("--once", action="store_true", help="Print what has happened so far, then end.")
    given = parser.parse_args()

    coordinator = Coordinator.connect(given.rpc, given.coordinator, given.chain_id)
    next_block = first_round_block(coordinator)
    while True:
        head = coordinator.head()
        for event in scan(coordinator, next_block, head):
            round_number = event.args.get("round", "-")
            print(f"block {event.block:>8}  round {round_number:>4}  {event.name}")
        next_block = head + 1
        newest = coordinator.last_opened()
        if newest:
            view = coordinator.round_view(newest)
            print(f"round {newest} is in {view.phase.name}: {view.revealed} updates revealed", flush=True)
        if given.once:
            return
        time.sleep(5)


if __name__ == "__main__":
    main()
