"""An aggregator that adds one unit to one value of each aggregate: `python evil_aggregator.py CONFIG [VALUE]`."""

from __future__ import annotations

import logging
import sys
import threading
from pathlib import Path

import numpy as np
from fedaggregator.compute.leaf_file import LeafFile
from fedaggregator.config import AggregatorConfig
from fedaggregator.daemon.run import Aggregator
from fedprotocol.car import Leaves
from fedprotocol.chain.account.signer import open_signer
from fedprotocol.chain.read.snapshot import RoundState
from fedprotocol.config import load_config
from fedprotocol.levels import digests
from fedprotocol.numbers import from_bytes, to_bytes
from fedprotocol.store.deadline import Deadline

WRONG_VALUE = 71  # its place in the vector of the global


class EvilAggregator(Aggregator):
    """Does everything else as the honest one."""

    wrong_value = WRONG_VALUE

    def compute(self, state: RoundState, prior: Leaves, within: Deadline) -> LeafFile:
        right = super().compute(state, prior, within)
        right.close()
        values = from_bytes(right.path.read_bytes(), 32)
        values[self.wrong_value] += np.int32(1)
        data, size = to_bytes(values), right.shape.leaf_bytes
        right.path.write_bytes(data)
        return LeafFile(right.path, right.shape, digests(data, size))


if __name__ == "__main__":
    config = load_config(Path(sys.argv[1]), AggregatorConfig)
    signer = open_signer(config.account)
    logging.basicConfig(level=logging.INFO)
    EvilAggregator.wrong_value = int(sys.argv[2]) if len(sys.argv) > 2 else WRONG_VALUE
    with EvilAggregator.open(config, signer) as aggregator:
        aggregator.run(threading.Event())
