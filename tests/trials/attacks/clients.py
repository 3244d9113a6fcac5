"""What clients can do by hand and no honest program does: commit to anything, and stake more than the others."""

from __future__ import annotations

import os
from typing import Protocol

import numpy as np
from support.synthetic import SyntheticClient, SyntheticUpdate


class Rooted(Protocol):
    """A tree, or what passes for one."""

    root: bytes


def commit_to(client: SyntheticClient, round_number: int, prior_root: bytes, leaves: Rooted, shift: int = 0) -> None:
    """Commit to the tree `leaves`, whether or not there is one; `client.reveal(round, publish=False)` opens it."""
    coordinator, examples, salt = client.federation.coordinator, client.examples, os.urandom(32)
    hash_ = coordinator.commit_hash(round_number, client.address, prior_root, leaves.root, shift, examples, salt)
    client.sender.send(coordinator.calls.commit(round_number, prior_root, hash_), f"commit {round_number}")
    client.updates[round_number] = SyntheticUpdate(prior_root, leaves, np.empty(0, np.int8), shift, examples, salt)


def add_stake(client: SyntheticClient, amount: int) -> None:
    """`amount` token units more."""
    coordinator = client.federation.coordinator
    coordinator.token.ensure_allowance(client.sender, coordinator.address, amount)
    client.sender.send(coordinator.calls.add_stake(amount), "add stake")
