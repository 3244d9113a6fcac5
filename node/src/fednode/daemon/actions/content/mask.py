"""Masking what was trained: it gets the weight, is rounded, and leaves only under the masks shared with all peers."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from fedprotocol.car import MemoryLeaves
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.errors import FedError
from fedprotocol.files.tree_files import save_car
from fedprotocol.journal import UpdateRecord
from fedprotocol.masks.limits import max_weight
from fedprotocol.program.background import Body
from fedprotocol.store.deadline import Deadline
from fedprotocol.tree import cid
from fedprotocol.types import ZERO, Phase

from fednode.daemon.action_context import Tools
from fednode.daemon.actions.action import Lane, Work
from fednode.daemon.facts import Facts, MaskStep
from fednode.daemon.snapshot_questions import masked_to, owes_reveal, round_of
from fednode.frozen_factors import frozen_leaves
from fednode.masking.masked import masked_leaves, pair_seeds
from fednode.masking.site_journal import FixedSet, Key, MaskJournal, TrainedAtHome
from fednode.masking.weighted import weighted_delta
from fednode.training.at_home import kept_units

log = logging.getLogger("fednode")
TOLD_EVERY = 10.0  # seconds


class NothingToMask(FedError):
    """Key, members and training of the round do not belong together, or there is no weight."""


@dataclass(frozen=True)
class Mask(Work):
    """Mask this site's update of `round` for the members that the journal has."""

    round: int
    lane = Lane.INPUTS
    leads_to = "reveal"
    is_owed = True

    @staticmethod
    def due(chain: Snapshot, facts: Facts) -> Iterator[Mask]:
        for state, _ in masked_to(chain, facts, MaskStep.FIXED):
            if owes_reveal(state):
                yield Mask(state.number)

    def describe(self) -> str:
        return f"masking its update of round {self.round}"

    def still_wanted(self, chain: Snapshot, facts: Facts) -> bool:
        state = chain.round(self.round)
        return state is not None and state.view.phase is Phase.REVEAL

    def job(self, tools: Tools, chain: Snapshot, facts: Facts) -> Body:
        """Raises NothingToMask; MasksError, OSError in its thread."""
        journal, account = MaskJournal(tools.journal), str(tools.sender.address)
        fixed, trained = journal.fixed(self.round), journal.trained(self.round)
        own = [key for key in journal.keys(self.round) if fixed and key.public == fixed.members.get(account)]
        if fixed is None or trained is None or not own or fixed.prior_root != trained.prior_root:
            raise NothingToMask(f"the journal has no key or no training for the members of round {self.round}")
        weight = self._weight(chain, trained)
        return lambda stop: self._mask(tools, fixed, own[0], trained, weight, Deadline(stop=stop))

    def _weight(self, chain: Snapshot, trained: TrainedAtHome) -> int:
        """What the contract takes: it lowers no weight that is inside masked values already."""
        commitment = round_of(chain, self.round).my_commitment
        backed = 0 if commitment is None else commitment.backed
        now = chain.settled_seat.stake // chain.config.stake_per_example
        weight = min(trained.examples, max_weight(chain.config.max_clients), backed, now)
        if weight < 1:
            raise NothingToMask(f"the stake carries no example in round {self.round}: nothing can be revealed")
        return weight

    def _mask(
        self, tools: Tools, fixed: FixedSet, key: Key, trained: TrainedAtHome, weight: int, deadline: Deadline
    ) -> UpdateRecord:
        spec, account = tools.spec, str(tools.sender.address)
        masking = spec.masking
        assert masking is not None  # noqa: S101 - the spec and the contract agree that updates are masked
        seed = np.random.default_rng([tools.config.node.seed, self.round])
        own = weighted_delta(kept_units(trained.file), weight, masking.scale, masking.bound, seed)
        seeds = pair_seeds(fixed.transcript, key.secret, account, fixed.members)
        told = _Progress(self.round, spec.layout.leaf_count, deadline.check)
        frozen = frozen_leaves(spec, self.round)
        leaves = MemoryLeaves(masked_leaves(own.values, spec.layout.leaf_values, account, seeds, told, frozen))
        path = tools.config.updates / f"round_{self.round}-{leaves.root.hex()[:16]}.car"
        return UpdateRecord(
            round=self.round,
            prior_root=fixed.prior_root,
            root=leaves.root,
            shift=0,
            examples=weight,
            salt=ZERO,
            car=save_car(leaves, path, private=True),
            loss_before=0,
            loss_after=0,
            clipped=own.clipped,
        )

    def ended(self, tools: Tools, result: UpdateRecord, chain: Snapshot) -> None:
        tools.journal.save_update(result)
        log.info("round %d: masked with weight %d: %s", self.round, result.examples, cid(result.root))
        if result.clipped:
            log.warning("round %d: %d values were clipped to the spec's bound", self.round, result.clipped)


class _Progress:
    """Called after each of `leaves` leaves. `check` raises if the work is to stop."""

    def __init__(self, number: int, leaves: int, check: Callable[[], object]) -> None:
        self._number, self._leaves, self._check = number, leaves, check
        self._done, self._told = 0, time.monotonic()

    def __call__(self) -> None:
        self._check()
        self._done += 1
        if time.monotonic() - self._told > TOLD_EVERY:
            self._told = time.monotonic()
            log.info("round %d: masked %d of %d leaves", self._number, self._done, self._leaves)
