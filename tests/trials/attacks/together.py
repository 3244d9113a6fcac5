"""A round of clients that the row acts for, each step of all of them in one block."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from fedprotocol.types import Phase
from support.synthetic import SyntheticClient

from attacks.arena import Arena


def play_round(
    arena: Arena,
    clients: Sequence[SyntheticClient],
    round_number: int,
    prior_root: bytes,
    withholder: SyntheticClient | None = None,
) -> None:
    """All of `clients` commit, reveal and attest until the inputs are fixed; honest programs may run beside them.

    Args:
        withholder: a further client that publishes nothing of what it reveals, for which nobody vouches.
    """
    every = [*clients, *([withholder] if withholder else [])]
    arena.clock.in_one_block(*(partial(client.commit, round_number, prior_root) for client in every))
    arena.reach(round_number, Phase.REVEAL)  # the round before must be final
    arena.clock.in_one_block(*(partial(c.reveal, round_number, publish=c is not withholder) for c in every))
    absent = [arena.coordinator.update_index(round_number, withholder.address)] if withholder else []
    arena.clock.in_one_block(*(partial(client.attest, round_number, absent) for client in every))
    assert arena.phase(round_number) in (Phase.AGGREGATE, Phase.CHALLENGE)
