"""An aggregator that adds 1 to one int32 of every global: `python lying_aggregator.py CONFIG LEAF`."""

from __future__ import annotations

import logging
import sys
import threading
from pathlib import Path

from fedaggregator.config import AggregatorConfig
from fedaggregator.daemon import Aggregator
from fedaggregator.leaf_file import LeafFile
from fedprotocol.car import Leaves
from fedprotocol.chain import keys
from fedprotocol.chain.snapshot import RoundState
from fedprotocol.config import load_config
from fedprotocol.numbers import from_bytes, to_bytes
from fedprotocol.tree import leaf_digest


class LyingAggregator(Aggregator):
    """Everything but the one value is as the honest program does it."""

    leaf = 0

    def compute(self, state: RoundState, prior: Leaves) -> LeafFile:
        with super().compute(state, prior) as honest:
            leaves = [honest[index] for index in range(len(honest))]
        values = from_bytes(leaves[self.leaf], 32).copy()
        values[3] += 1
        leaves[self.leaf] = to_bytes(values)
        out = honest.path.with_suffix(".lie")
        out.write_bytes(b"".join(leaves))
        return LeafFile(out, honest.shape, [leaf_digest(leaf) for leaf in leaves])


def main(config_path: Path, leaf: int) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    config = load_config(config_path, AggregatorConfig)
    account = keys.load(config.account.keystore, keys.read_password(config.account.password_file))
    LyingAggregator.leaf = leaf
    with LyingAggregator.open(config, account) as aggregator:
        aggregator.run(threading.Event())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
