"""A round computed again on the server, from what the store serves: is its global right, and if a proposal is wrong,
where first?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from fedaggregator.compute.inputs import FILES_PER_UPDATE, allow_open_files, delta_shape, global_shape
from fedaggregator.compute.leaf_file import LeafFile
from fedaggregator.compute.merge import Contribution, merge
from fedaggregator.disputes.judge import Claim, Right, Wrong, WrongLeaf, judge
from fedaggregator.disputes.proposed_leaves import ProposalUnreadable, proposed_digests
from fedaggregator.rules import Rule
from fedprotocol.car import CarFile
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.store.base import Malformed, NotFound
from fedprotocol.store.deadline import Deadline
from fedprotocol.store.side_by_side import side_by_side
from fedprotocol.tree import cid
from fedprotocol.types import FederationConfig

from fedexplorer.content.inputs import Given, Proposed, RoundInputs
from fedexplorer.content.jobs import Report
from fedexplorer.content.shelf import bytes_of
from fedexplorer.content.told import Told, told
from fedexplorer.content.trees import Trees

WINDOW = 64  # leaves merged between two reports


class InputsChanged(Told):
    """The contract has other inputs for the round than the events that were read: a re-org is not followed yet."""


class Unserved(Told):
    """Nobody serves something that the round follows from. The message names all of it."""


@dataclass(frozen=True)
class Judged:
    """One proposal compared with what was computed here.

    Args:
        first: the first leaf that differs; None if it is right, or if its leaves cannot be read.
        right_leaf: what that leaf should be.
        unreadable: why no leaf is known.
    """

    proposal: Proposed
    is_right: bool
    first: WrongLeaf | None = None
    right_leaf: bytes = b""
    unreadable: str = ""


@dataclass(frozen=True)
class Recomputed:
    """A round's right global, `root`, and how each proposal compares with it."""

    inputs: RoundInputs
    root: bytes
    leaf_count: int
    verdicts: tuple[Judged, ...]

    def verdict(self, root: bytes) -> Judged | None:
        """On the proposal with that root."""
        return next((judged for judged in self.verdicts if judged.proposal.root == root), None)


@dataclass(frozen=True)
class Recomputation:
    """Computes rounds of one federation again. `scratch`: a folder for the results, which are deleted at once."""

    coordinator: Coordinator
    events: EventIndex
    config: FederationConfig
    rule: Rule
    trees: Trees
    scratch: Path

    def __call__(self, inputs: RoundInputs, report: Report) -> Recomputed:
        """Raises Unserved, InputsChanged, TooLarge, MergeError, RuleError, DisputeError, StoreError, ChainError."""
        report("reading the round from the contract")
        self._check(inputs)
        allow_open_files(FILES_PER_UPDATE * (len(inputs.updates) + 1))
        prior_shape, shape = global_shape(self.config, self.rule), delta_shape(self.config)
        roots = [inputs.prior_root, *(update.root for update in inputs.updates)]
        needed = bytes_of(prior_shape) + len(inputs.updates) * bytes_of(shape)
        with (
            self.trees.keeping(roots, needed),
            self._fetched(inputs, report) as (prior, contributions),
            self._merged(prior, contributions, report) as own,
        ):
            verdicts = []
            for number, proposal in enumerate(inputs.proposals):
                report("comparing the proposals", number, len(inputs.proposals))
                verdicts.append(self._judged(inputs.round, proposal, own))
            return Recomputed(inputs, own.root, len(own), tuple(verdicts))

    def _check(self, inputs: RoundInputs) -> None:
        view, updates = self.coordinator.round_view(inputs.round), self.coordinator.updates(inputs.round)
        accepted = tuple(
            Given(index, update.client, update.root, update.weight, update.shift)
            for index, update in enumerate(updates)
            if view.accepted_mask >> index & 1
        )
        if (view.prior_root, accepted) != (inputs.prior_root, inputs.updates):
            raise InputsChanged(
                f"the contract has other inputs for round {inputs.round} than its events that were read here: the "
                "chain is being reorganised; try again in a minute"
            )

    @contextmanager
    def _fetched(self, inputs: RoundInputs, report: Report) -> Iterator[tuple[CarFile, list[Contribution]]]:
        """The prior and the accepted updates, several fetched at a time."""
        wanted: list[Given | None] = [None, *sorted(inputs.updates, key=lambda update: -update.weight)]
        found: dict[Given | None, CarFile] = {}
        missing: list[str] = []

        def fetch(update: Given | None, within: Deadline) -> CarFile:
            if update is None:
                return self.trees.get(inputs.prior_root, global_shape(self.config, self.rule), within)
            return self.trees.get(update.root, delta_shape(self.config), within)

        with ExitStack() as files:
            report(_fetching(wanted, found), 0, len(wanted))
            for outcome in side_by_side(wanted, fetch, report.deadline):
                if outcome.result is not None:
                    found[outcome.key] = files.enter_context(outcome.result)
                elif isinstance(outcome.error, NotFound | Malformed):
                    missing.append(f"{_named(outcome.key, inputs)}: {told(outcome.error)}")
                elif outcome.error is not None:
                    raise outcome.error
                report(_fetching(wanted, found), len(found), len(wanted))
            if missing or len(found) < len(wanted):
                raise Unserved("; ".join(missing) or "the store did not deliver everything in time")
            yield found[None], [Contribution(found[u], u.weight, u.shift) for u in inputs.updates]

    @contextmanager
    def _merged(self, prior: CarFile, inputs: Sequence[Contribution], report: Report) -> Iterator[LeafFile]:
        self.scratch.mkdir(parents=True, exist_ok=True)
        out, done = self.scratch / f"{prior.root.hex()}.leaves", 0

        def after_window() -> None:
            nonlocal done
            done += WINDOW
            report("averaging", min(done, self.config.leaf_count), self.config.leaf_count)

        report("averaging", 0, self.config.leaf_count)
        try:
            bits, rate = self.config.mantissa_bits, self.config.server_lr
            with merge(self.rule, prior, inputs, bits, rate, out, WINDOW, after_window) as own:
                yield own
        finally:
            out.unlink(missing_ok=True)

    def _judged(self, round_number: int, proposal: Proposed, own: LeafFile) -> Judged:
        if isinstance(judge(Claim(proposal.root), own.root), Right):
            return Judged(proposal, is_right=True)
        try:
            digests = proposed_digests(self.events, round_number, proposal.proposer, proposal.root)
        except ProposalUnreadable as error:
            return Judged(proposal, is_right=False, unreadable=told(error))
        verdict = judge(Claim(proposal.root, digests), own)
        if not isinstance(verdict, Wrong) or verdict.first is None:
            return Judged(proposal, is_right=False, unreadable=str(verdict))
        return Judged(proposal, is_right=False, first=verdict.first, right_leaf=own[verdict.first.leaf])


def _fetching(wanted: Sequence[Given | None], found: dict[Given | None, CarFile]) -> str:
    left = [update for update in wanted if update not in found]
    if not left:
        return "everything is fetched"
    first = left[0]
    return "fetching the global before the round" if first is None else f"fetching update {first.index}"


def _named(update: Given | None, inputs: RoundInputs) -> str:
    if update is None:
        return f"the global before the round, {cid(inputs.prior_root)}"
    return f"update {update.index} of {update.client}, {cid(update.root)}"
