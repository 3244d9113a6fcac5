"""Where a node that looks ahead begins a round: further on from its global, the way that the last round went."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.store.base import Stopped, StoreError
from fedprotocol.store.deadline import Deadline

from fednode.daemon.action_context import Tools
from fednode.daemon.snapshot_questions import maker_of_prior
from fednode.training.look_ahead import ahead

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST = 60.0
"""Seconds after which a node begins without the global before."""
SHARE = 0.25
"""The share of the time left to train that it may take to get that global."""


@dataclass(frozen=True)
class Beginning:
    """`values`: float32 [value_count]; None: the global itself. `missing`: why a node that should look ahead cannot."""

    values: NDArray[np.float32] | None = None
    missing: str = ""


@dataclass(frozen=True)
class Before:
    """The global before the one that a round starts from: the one that `maker`, the round that made the latter, started
    from. `root`: its root, None if the snapshot does not reach back to that round; `seconds`: how long it may take to
    get it."""

    maker: int
    root: bytes | None
    seconds: float

    @classmethod
    def of(cls, chain: Snapshot, number: int, time_left: float) -> Before | None:
        """For round `number`, which takes commits for `time_left` seconds; None: it starts from global 0."""
        maker = maker_of_prior(chain, number)
        state = chain.round(maker)
        root = None if state is None else state.view.prior_root
        return cls(maker, root, min(LONGEST, SHARE * time_left)) if maker else None

    def beginning(self, tools: Tools, units: NDArray[np.int32], stop: threading.Event) -> Beginning:
        """Ahead of the global `units`, int32 [value_count]. The global before comes from the own store, or from others.
        Raises ChainError, Stopped."""
        spec = tools.spec
        root = self.root or tools.coordinator.round_view(self.maker).prior_root
        try:
            with tools.store.get(root, spec.layout.global_shape, Deadline(self.seconds, stop)) as leaves:
                before = spec.layout.weights(leaves)
        except Stopped:
            raise
        except StoreError as error:
            return Beginning(missing=str(error))
        return Beginning(ahead(units, before, spec.training.look_ahead))
