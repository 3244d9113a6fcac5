"""What moves data: checking updates, recomputing aggregates, judging proposals. Runs in the fetcher's thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fedaggregator.convict import advised
from fedaggregator.dispute import Case, StaleCase
from fedaggregator.evidence import gather
from fedaggregator.inputs import recompute
from fedaggregator.proposals import ProposalUnreadable, proposed_digests
from fedaggregator.verify import Mismatch, compare
from fedprotocol.chain.event_index import EventIndex
from fedprotocol.chain.snapshot import RoundState
from fedprotocol.errors import FedError
from fedprotocol.numbers import NumbersError
from fedprotocol.spec import Spec
from fedprotocol.store.base import Malformed, NotFound, Store, Unavailable
from fedprotocol.tree import cid

from fednode.daemon.actions import BuildCase, JudgeProposal, Release
from fednode.daemon.background import Interrupted
from fednode.daemon.checks import BadUpdate, check_new, check_update
from fednode.daemon.earlier import EarlierRoots
from fednode.daemon.facts import Verdict


@dataclass(frozen=True)
class Finding:
    """What came of one update; `why` is empty for a good one."""

    index: int
    verdict: Verdict
    why: str


@dataclass(frozen=True)
class Judgement:
    """A proposal held to the own merge. `mismatch` None although it differs: its digests could not be read (`why`)."""

    equal: bool
    mismatch: Mismatch | None = None
    why: str = ""


@dataclass(frozen=True)
class Built:
    """A case, and what its calls cost, in words."""

    case: Case
    costs: str


class Fetching:
    """Everything fetched stays pinned in the own store until the node lets go of it."""

    def __init__(self, events: EventIndex, store: Store, spec: Spec, folder: Path) -> None:
        self._events = events
        self._coordinator = events.coordinator
        self._store = store
        self._spec = spec
        self._folder = folder
        self._earlier = EarlierRoots(self._coordinator)

    def check_inputs(
        self, state: RoundState, indices: list[int], found: Callable[[Finding], None], stop: threading.Event
    ) -> None:
        """Fetch and check the updates at `indices`; `found` is told of each as soon as it is known.

        Raises Unavailable if the store itself does not work.
        """
        for index in indices:
            if stop.is_set():
                raise Interrupted("stopped")
            found(self._check(state, index))

    def recompute(self, state: RoundState) -> bytes:
        """Merge the round's accepted updates and publish the result in the own store; returns its root.

        Raises InputsMissing, StoreError, and what `fedaggregator.inputs.recompute` raises.
        """
        out = self._folder / f"round_{state.number}.leaves"
        out.parent.mkdir(parents=True, exist_ok=True)
        shape = self._spec.layout.global_shape
        with (
            self._store.get(state.view.prior_root, shape) as prior,
            recompute(self._coordinator, self._store, state, prior, out) as merged,
        ):
            root = self._store.put(merged)
        out.unlink()
        return root

    def fetch_global(self, root: bytes) -> bytes:
        """Bring a global into the own store; returns its root. Raises NotFound, Malformed, Unavailable."""
        self._store.get(root, self._spec.layout.global_shape).close()
        return root

    def release(self, action: Release) -> None:
        """Unpin what a round was made of, its updates and its prior, but for what a later round needs too.

        Its final global goes with the round that was trained on it; what else was merged for it goes now.
        Raises Unavailable, ChainError.
        """
        chain = self._coordinator
        view = chain.round_view(action.round)
        gone = {update.root for update in chain.updates(action.round)} | {view.prior_root}
        gone |= action.own_globals - {view.global_root}
        gone -= {bytes(32), chain.config().genesis_root, chain.latest_final()[1]}
        for number in range(action.round + 1, chain.last_opened() + 1):
            gone -= {update.root for update in chain.updates(number)} | {chain.round_view(number).prior_root}
        for root in gone:
            self._store.unpin(root)

    def judge(self, action: JudgeProposal) -> Judgement:
        """Whether a proposal is the own merge, and if not, at which leaf it goes wrong first. Raises ChainError."""
        if action.root == action.own_root:
            return Judgement(equal=True)
        try:
            digests = proposed_digests(self._events, action.round, action.proposer, action.root)
        except ProposalUnreadable as error:
            return Judgement(equal=False, why=str(error))
        with self._store.get(action.own_root, self._spec.layout.global_shape) as own:
            return Judgement(equal=False, mismatch=compare(own, digests))

    def build_case(self, state: RoundState, action: BuildCase, own_root: bytes, account: str) -> Built | None:
        """The proof against a wrong proposal, and what it costs; None if the proposal is not live any more.

        Raises:
            StaleCase: the own merge does not follow from the round's inputs as they are now.
            FedError: what else `fedaggregator.evidence.gather` and `fedaggregator.convict.advised` raise.
        """
        proposal = next((p for p in state.proposals if p.root == action.root), None)
        if proposal is None:
            return None
        with self._store.get(own_root, self._spec.layout.global_shape) as own:
            case = gather(self._events, self._store, state, own, proposal)
        if case is None:
            raise StaleCase(f"round {state.number}: {cid(action.root)} was judged wrong and is right")
        costs = advised(self._coordinator, account, case)
        return Built(case, costs) if costs is not None else None

    def _check(self, state: RoundState, index: int) -> Finding:
        update = state.updates[index]
        try:
            check_new(state.updates, index, self._earlier.before(state.number))
            with self._store.get(update.root, self._spec.layout.delta_shape) as leaves:
                check_update(leaves, update.shift, self._spec, state.number)
        except (BadUpdate, NumbersError) as error:
            return Finding(index, Verdict.BAD, str(error))
        except (NotFound, Malformed) as error:  # malformed from one peer may still come whole from another
            return Finding(index, Verdict.ABSENT, str(error))
        except Unavailable:
            raise
        except FedError as error:
            return Finding(index, Verdict.ABSENT, str(error))
        return Finding(index, Verdict.GOOD, "")
