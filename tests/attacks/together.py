"""A round of clients that the row acts for, each step of all of them in one block."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from fedprotocol.chain.types import Phase
from support.synthetic import SyntheticClient

from attacks.arena import Arena


def play_round(arena: Arena, clients: Sequence[SyntheticClient], round_number: int, prior_root: bytes) -> None:
    """All of them commit, reveal and attest, until the inputs are fixed; honest programs run beside them."""
    arena.clock.in_one_block(*(partial(client.commit, round_number, prior_root) for client in clients))
    arena.reach(round_number, Phase.REVEAL)  # the round before must be final
    arena.clock.in_one_block(*(partial(client.reveal, round_number) for client in clients))
    arena.clock.in_one_block(*(partial(client.attest, round_number) for client in clients))
    assert arena.phase(round_number) in (Phase.AGGREGATE, Phase.CHALLENGE)
