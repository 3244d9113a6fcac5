"""How long a site needs in the phases of a masked round, so that it is not late: to be late costs the seat."""

from __future__ import annotations

import time
from dataclasses import dataclass

from fedprotocol.spec import Layout

from fednode.masking.stream import leaf_mask

_MEASURED_VALUES = 1 << 16
BYTES_A_SECOND = 1 << 20
"""How fast a site gets others' updates, where nobody measured it: 8 MBit/s."""


@dataclass(frozen=True)
class PhaseTime:
    """Seconds. `settling`: until what the phase before left is under the node's confirmations; `work`: masking in
    Reveal, fetching in Attest."""

    settling: float
    work: float

    @property
    def total(self) -> float:
        return self.settling + self.work


def in_reveal(layout: Layout, peers: int, settling: float) -> PhaseTime:
    """For masks shared with so many peers, measured on this machine."""
    began = time.monotonic()
    for leaf in range(_MEASURED_VALUES // layout.leaf_values):
        leaf_mask(bytes(32), leaf, layout.leaf_values)
    each = (time.monotonic() - began) / _MEASURED_VALUES
    return PhaseTime(settling, each * layout.leaf_count * layout.leaf_values * peers)


def in_attest(layout: Layout, peers: int, settling: float) -> PhaseTime:
    """For the updates of so many peers, at `BYTES_A_SECOND`."""
    return PhaseTime(settling, peers * layout.leaf_count * layout.delta_shape.leaf_bytes / BYTES_A_SECOND)
