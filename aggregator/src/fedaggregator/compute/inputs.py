"""The accepted inputs of a round, fetched and verified through a store, and the global that follows from them."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from fedprotocol.car import CarFile, Leaves
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.snapshot import RoundState
from fedprotocol.errors import FedError
from fedprotocol.store.base import Malformed, NotFound, Store
from fedprotocol.store.deadline import Deadline
from fedprotocol.store.side_by_side import side_by_side
from fedprotocol.tree import TreeShape, cid
from fedprotocol.types import FederationConfig, Update

from fedaggregator.compute.leaf_file import LeafFile
from fedaggregator.compute.merge import Contribution, merge
from fedaggregator.rules import Rule, rule_named

FILES_PER_UPDATE = 2
OTHER_FILES = 128
"""File descriptors that a daemon needs besides: journal, chain, prior, logs."""


class InputsMissing(FedError):
    """Some accepted updates could not be fetched. The message names the client and the root of each. Trying again later
    may help."""

    def __init__(self, round_number: int, missing: dict[Update, str]) -> None:
        self.round = round_number
        self.missing = missing
        what = "; ".join(f"{cid(u.root)} of {u.client} ({reason})" for u, reason in missing.items())
        super().__init__(f"round {round_number}: {len(missing)} accepted updates are missing: {what}")


def delta_shape(config: FederationConfig) -> TreeShape:
    """The shape of an update's tree."""
    return TreeShape(config.leaf_count, config.leaf_values * config.mantissa_bits // 8)


def global_shape(config: FederationConfig, rule: Rule) -> TreeShape:
    """The shape of the tree of a global adapter and of what the rule keeps beside it, all int32 values."""
    return TreeShape(config.leaf_count * rule.parts, config.leaf_values * 4)


def accepted(state: RoundState) -> list[Update]:
    """The accepted updates in index order. There are none before the round's Attest is over."""
    return [update for index, update in enumerate(state.updates) if state.view.accepted_mask >> index & 1]


def rule_of(coordinator: Coordinator) -> Rule:
    """The Python version of the federation's rule.

    Raises:
        RuleError: this version does not have it. ChainError: the chain or the rule's contract does not answer.
    """
    return rule_named(coordinator.rule_name, coordinator.rule_parameters)


def recompute(
    coordinator: Coordinator,
    store: Store,
    state: RoundState,
    prior: Leaves,
    out: Path,
    window_leaves: int = 0,
    deadline: Deadline | None = None,
) -> LeafFile:
    """The global that follows from a round whose inputs are fixed, from verified copies of the accepted updates.

    Args:
        coordinator: has the rule and the federation's numbers.
        store: where the updates are fetched from and stay pinned.
        state: a round in Aggregate or later.
        prior: the round's prior global (`state.view.prior_root`).
        out: file for the leaves of the result.
        window_leaves: see `merge`.
        deadline: when fetching and merging must stop; each fetch also ends by itself.

    Raises:
        InputsMissing: no source of the store has an accepted update, or what they have under its root is not its tree.
        StoreError: the store itself does not work.
        MergeError, RuleError, ChainError: see there.
    """
    config, within = coordinator.config(), deadline or Deadline()

    with contributions(store, config, state, within) as inputs:
        return merge(
            rule_of(coordinator),
            prior,
            inputs,
            config.mantissa_bits,
            config.server_lr,
            out,
            window_leaves,
            within.check,
        )


@contextmanager
def contributions(
    store: Store, config: FederationConfig, state: RoundState, deadline: Deadline | None = None
) -> Iterator[list[Contribution]]:
    """Verified copies of a round's accepted updates in index order, open while in the context.

    They are fetched at the same time, the heaviest first, so that an update which nobody serves delays no other.

    Raises:
        InputsMissing, StoreError: see `recompute`.
    """
    updates, shape = accepted(state), delta_shape(config)
    allow_open_files(FILES_PER_UPDATE * len(updates))
    missing = dict.fromkeys(updates, "it was not asked for in time")
    found: dict[Update, CarFile] = {}

    def fetch(update: Update, share: Deadline) -> CarFile:
        return store.get(update.root, shape, share)

    with ExitStack() as open_files:
        heaviest_first = sorted(updates, key=lambda update: -update.weight)
        for fetched in side_by_side(heaviest_first, fetch, deadline or Deadline()):
            if fetched.result is not None:
                found[fetched.key] = open_files.enter_context(fetched.result)
                del missing[fetched.key]
            elif isinstance(fetched.error, NotFound | Malformed):
                missing[fetched.key] = str(fetched.error)
            elif fetched.error is not None:
                raise fetched.error
        if missing:
            raise InputsMissing(state.number, missing)
        yield [Contribution(found[update], update.weight, update.shift) for update in updates]


def allow_open_files(count: int) -> None:
    """Raise the process's limit of open files as far as allowed, because some systems start programs with only 256."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + OTHER_FILES if hard == resource.RLIM_INFINITY else min(count + OTHER_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
