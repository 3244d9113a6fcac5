"""In which order an attester checks the updates of a round, and how long it waits for those that nobody serves."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from fedprotocol.chain.read.snapshot import RoundState, Snapshot

SPREAD = 2
"""How many margins lie between the first node that gives up missing updates and the last one."""


def in_order(state: RoundState, indices: Iterable[int]) -> list[int]:
    """The order of checking: the own update first, because it is here, then the heaviest. So light updates that nobody
    serves take no time from heavy ones."""
    return sorted(indices, key=lambda index: (index != state.my_index, -state.updates[index].weight, index))


def gives_up_at(account: str, state: RoundState, margin: int) -> int:
    """The chain time from which `account` attests without the updates that are still missing. It is `margin` seconds
    before the end of Attest at the latest, and up to SPREAD times that earlier, but not in the first half. It differs
    from node to node, so that a few full blocks cannot make all of them late.
    """
    view = state.view
    last = view.phase_end - margin
    spread = max(0, min(SPREAD * margin, last - (view.phase_start + view.phase_end) // 2))
    digest = hashlib.sha256(f"{account.lower()} attests in round {state.number}".encode()).digest()
    return last - (int.from_bytes(digest[:8], "big") * (spread + 1) >> 64)


def seconds_to_check(chain: Snapshot, state: RoundState, margin: int) -> float:
    """Seconds for fetching missing updates: until they are given up, and after that until the end of Attest."""
    until = gives_up_at(chain.account, state, margin)
    return max(0, (until if chain.time < until else state.view.phase_end) - chain.time)
