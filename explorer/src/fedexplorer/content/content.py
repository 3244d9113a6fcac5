"""What the pages are given of a federation's content: each question is answered at once, or says how its work in the
background stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from fedaggregator.compute.inputs import delta_shape, global_shape
from fedaggregator.compute.spec import spec_of
from fedaggregator.disputes.proposed_leaves import proposed_digests
from fedaggregator.rules import Rule, RuleError, rule_named
from fedprotocol.car import CarError, Leaves
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.masks.document import Masking
from fedprotocol.spec import MAX_SPEC_BYTES, Spec
from fedprotocol.store.base import NotFound, Store
from fedprotocol.store.directory import DirectoryStore
from fedprotocol.tree import TreeError, TreeShape
from fedprotocol.types import FederationConfig

from fedexplorer.content.inputs import RoundInputs
from fedexplorer.content.jobs import Job, Jobs, Report
from fedexplorer.content.named import Name
from fedexplorer.content.opened import OpenTree
from fedexplorer.content.recompute import Recomputation, Recomputed
from fedexplorer.content.shelf import Shelf
from fedexplorer.content.statistics import Statistics, of_change, of_tree, statistics_of
from fedexplorer.content.tensors import Tensors
from fedexplorer.content.trees import Trees
from fedexplorer.content.values import GLOBAL, Encoding


@dataclass(frozen=True)
class KnownSpec:
    """The federation's document: as the contract names it, byte by byte, and read."""

    spec: Spec
    text: bytes
    tensors: Tensors


@dataclass(frozen=True)
class RuleName:
    """The federation's rule, by what its contract says of itself. `masking`: None unless updates are masked."""

    name: str
    masking: Masking | None = None

    @property
    def parameters(self) -> tuple[int, ...]:
        """See `rule_named`."""
        return () if self.masking is None else (self.masking.scale, self.masking.bound)


@dataclass(frozen=True)
class Change:
    """A question for statistics: of the values of a tree or, with `before`, of what changed since that global."""

    name: Name
    before: bytes | None = None
    by_tensor: bool = True  # as soon as the spec says which tensors there are


class Content:
    """The trees, the spec and the recomputed rounds of one federation.

    Args:
        coordinator: asked only in the background.
        events: the coordinator's log, which has the leaf digests of every proposal.
        store: where content is fetched from. It must copy what it fetches into `folder`.
        folder: the explorer's own copies.
        limit: the most bytes of trees in it.
    """

    def __init__(
        self,
        coordinator: Coordinator,
        events: EventIndex,
        config: FederationConfig,
        rule_name: RuleName,
        store: Store,
        folder: Path,
        limit: int,
    ) -> None:
        self.config, self.rule_name = config, rule_name
        self.rule = _rule(rule_name)
        self.trees = Trees(store, Shelf(DirectoryStore(folder), limit))
        self._coordinator, self._events, self._store = coordinator, events, store
        self._scratch = folder / "recomputed"
        self._specs: Jobs[str, KnownSpec] = Jobs("fetch the spec", self._read_spec, limit=120.0)
        self._digests: Jobs[Name, OpenTree] = Jobs("read digests", self._read_digests, remembered=16, limit=120.0)
        self._statistics: Jobs[Change, Statistics] = Jobs("statistics", self._count, remembered=256)
        self._recomputed: Jobs[RoundInputs, Recomputed] = Jobs(
            "recompute a round", self._recompute, waiting=8, remembered=256, limit=3600.0
        )

    def close(self) -> None:
        """Stop all work."""
        self.trees.close()
        for jobs in (self._specs, self._digests, self._statistics, self._recomputed):
            jobs.close()

    # ------------------------------------------------------------------------ the spec

    def spec(self, patience: float = 0.0) -> Job[KnownSpec]:
        """The federation's document. Raises Busy."""
        return self._specs.ask("", patience)

    @property
    def tensors(self) -> Tensors | None:
        """The tensors of the model, if the spec is here already."""
        job = self._specs.look("")
        return job.result.tensors if job is not None and job.result is not None else None

    # ------------------------------------------------------------------------ trees

    def shape(self, name: Name) -> TreeShape:
        """The shape that a tree must have. Raises RuleError if this version does not know the federation's rule."""
        return global_shape(self.config, self.known_rule()) if name.is_global else delta_shape(self.config)

    def encoding(self, name: Name) -> Encoding:
        """How the values of a tree are written."""
        return encoding_of(self.config, name)

    def open(self, name: Name, patience: float = 0.0) -> OpenTree | Job[None]:
        """A tree with its leaves, or how its fetch stands. Raises Busy, RuleError, Unavailable."""
        return self.trees.look(name.root, self.shape(name), patience)

    def digests(self, name: Name, patience: float = 0.0) -> Job[OpenTree]:
        """A proposal's tree without its leaves, from the digests that are in the chain's log. Raises Busy,
        RuleError."""
        self.known_rule()
        return self._digests.ask(name, patience)

    @contextmanager
    def reading(self, tree: OpenTree) -> Iterator[Leaves]:
        """The leaves of a tree. A copy that turns out to be damaged on the disk is forgotten. Raises NotFound then, and
        if only digests are known."""
        if tree.leaves is None:
            raise NotFound("nobody serves the content of this tree; only its digests are known")
        try:
            yield tree.leaves
        except CarError as error:
            self.trees.drop(tree.root)
            raise NotFound(f"the explorer's copy was damaged; it is fetched again ({error})") from error

    def statistics(self, change: Change, patience: float = 0.0) -> Job[Statistics]:
        """How the values of a tree, or of a change, are distributed. Raises Busy."""
        return self._statistics.ask(replace(change, by_tensor=self.tensors is not None), patience)

    # ------------------------------------------------------------------------ rounds

    def recompute(self, inputs: RoundInputs, patience: float = 0.0) -> Job[Recomputed]:
        """Compute a round again, unless that was done. Raises Busy."""
        return self._recomputed.ask(inputs, patience)

    def recomputed(self, inputs: RoundInputs) -> Job[Recomputed] | None:
        """How that stands, without starting it."""
        return self._recomputed.look(inputs)

    # ------------------------------------------------------------------------ in the background

    def _read_spec(self, _: str, report: Report) -> KnownSpec:
        report("asking the store")
        spec = spec_of(self._coordinator, self._store)
        text = self._store.get_block(self.config.spec_digest, MAX_SPEC_BYTES, report.deadline)
        return KnownSpec(spec, text, Tensors(spec.layout))

    def _read_digests(self, name: Name, report: Report) -> OpenTree:
        report("reading the chain's log")
        digests = proposed_digests(self._events, name.round, name.account, name.root)
        shape = self.shape(name)
        if len(digests) != shape.leaf_count:
            raise TreeError(f"the proposal has {len(digests)} leaves, a global has {shape.leaf_count}")
        return OpenTree(digests, shape, None)

    def _count(self, change: Change, report: Report) -> Statistics:
        count, name = self.config.leaf_count, change.name
        total = 2 * count * self.config.leaf_values

        tensors = self.tensors if change.by_tensor else None

        def after_window(values: int) -> None:
            report("reading its values", values, total)

        report("fetching")
        with self.trees.get(name.root, self.shape(name), report.deadline) as leaves:
            if change.before is None:
                return statistics_of(of_tree(leaves, self.encoding(name), count), tensors, after_window)
            with self.trees.get(change.before, self.shape(name), report.deadline) as before:
                return statistics_of(of_change(before, leaves, GLOBAL, count), tensors, after_window)

    def _recompute(self, inputs: RoundInputs, report: Report) -> Recomputed:
        work = Recomputation(self._coordinator, self._events, self.config, self.known_rule(), self.trees, self._scratch)
        return work(inputs, report)

    def known_rule(self) -> Rule:
        """The federation's rule. Raises RuleError if this version does not know it."""
        return self.rule or rule_named(self.rule_name.name, self.rule_name.parameters)


def encoding_of(config: FederationConfig, name: Name) -> Encoding:
    """How the values of a tree of this name are written."""
    return GLOBAL if name.is_global else Encoding(config.mantissa_bits, name.shift, config.is_masked)


def _rule(called: RuleName) -> Rule | None:
    try:
        return rule_named(called.name, called.parameters)
    except RuleError:
        return None
