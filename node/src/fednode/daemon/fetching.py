"""What moves data: checking updates, recomputing aggregates, judging proposals. Runs in threads of the background."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fedaggregator.compute.inputs import recompute
from fedaggregator.disputes.case import Case
from fedaggregator.disputes.convict import advised
from fedaggregator.disputes.evidence import gather, judge_proposal
from fedaggregator.disputes.judge import Verdict as ProposalVerdict
from fedprotocol.car import CarFile, Leaves
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.chain.read.snapshot import RoundState
from fedprotocol.errors import FedError
from fedprotocol.numbers import NumbersError
from fedprotocol.spec import Spec
from fedprotocol.store.base import Store, Unavailable
from fedprotocol.store.deadline import Deadline
from fedprotocol.store.side_by_side import side_by_side

from fednode.daemon.actions import BuildCase, JudgeProposal, Release
from fednode.daemon.checks import BadUpdate, check_new, check_update
from fednode.daemon.earlier_roots import EarlierRoots
from fednode.daemon.facts import Verdict

AGAIN_SECONDS = 3.0
"""After which an absent update is asked for again, as long as others are still fetched."""


@dataclass(frozen=True)
class Finding:
    """What came of one update; `why` is empty for a good one."""

    index: int
    verdict: Verdict
    why: str


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
        self, state: RoundState, indices: Sequence[int], found: Callable[[Finding], None], deadline: Deadline
    ) -> None:
        """See `check_inputs`."""
        earlier = partial(self._earlier.before, state.number)
        check_inputs(self._store, self._spec, state, indices, found, deadline, earlier)

    def recompute(self, state: RoundState, deadline: Deadline) -> bytes:
        """Merge the round's accepted updates and publish the result in the own store; returns its root.

        Raises InputsMissing, StoreError, and what `fedaggregator.compute.inputs.recompute` raises.
        """
        inputs = hashlib.sha256(state.view.inputs.encode()).hexdigest()[:8]  # a merge of others may still run
        out = self._folder / f"round_{state.number}-{inputs}.leaves"
        out.parent.mkdir(parents=True, exist_ok=True)
        shape = self._spec.layout.global_shape
        try:
            with (
                self._store.get(state.view.prior_root, shape, deadline) as prior,
                recompute(self._coordinator, self._store, state, prior, out, deadline=deadline) as merged,
            ):
                return self._store.put(merged)
        finally:
            out.unlink(missing_ok=True)

    def fetch_global(self, root: bytes, deadline: Deadline) -> bytes:
        """Bring a global into the own store; returns its root. Raises NotFound, Malformed, Unavailable, Stopped."""
        self._store.get(root, self._spec.layout.global_shape, deadline).close()
        return root

    def release(self, action: Release, deadline: Deadline) -> None:
        """Unpin what a round was made of, its updates and its prior, but for what a later round needs too.

        Its final global goes with the round that was trained on it; what else was merged for it goes now.
        Raises Unavailable, ChainError, Stopped.
        """
        chain = self._coordinator
        view = chain.round_view(action.round)
        gone = {update.root for update in chain.updates(action.round)} | {view.prior_root}
        gone |= action.own_globals - {view.global_root}
        gone -= {bytes(32), chain.config().genesis_root, chain.latest_final()[1]}
        for number in range(action.round + 1, chain.last_opened() + 1):
            gone -= {update.root for update in chain.updates(number)} | {chain.round_view(number).prior_root}
        for root in gone:
            deadline.check()
            self._store.unpin(root)

    def judge(self, state: RoundState, action: JudgeProposal, deadline: Deadline) -> ProposalVerdict:
        """The verdict on a proposal. Raises ChainError, StoreError, RuleError, DisputeError."""
        shape = self._spec.layout.global_shape
        return judge_proposal(
            self._events,
            state,
            action.proposer,
            action.root,
            action.own_root,
            lambda: self._store.get(action.own_root, shape, deadline),
        )

    def build_case(
        self, state: RoundState, action: BuildCase, own_root: bytes, account: str, deadline: Deadline
    ) -> Built | None:
        """The proof against a wrong proposal, and what it costs; None if the proposal is not live any more.

        Raises:
            StaleCase: the proposal is right, or the global computed here does not follow from the round's inputs now.
            FedError: what else `evidence.gather` and `convict.advised` of `fedaggregator.disputes` raise.
        """
        proposal = next((p for p in state.proposals if p.root == action.root), None)
        if proposal is None:
            return None
        with self._store.get(own_root, self._spec.layout.global_shape, deadline) as own:
            case = gather(self._events, self._store, state, own, proposal)
        costs = advised(self._coordinator, account, case)
        return Built(case, costs) if costs is not None else None


def check_inputs(
    store: Store,
    spec: Spec,
    state: RoundState,
    indices: Sequence[int],
    found: Callable[[Finding], None],
    deadline: Deadline,
    earlier: Callable[[], Mapping[bytes, int]],
) -> None:
    """Fetch the updates at `indices`, the first ones first, and check them; `found` is told of each as soon as it is
    known. What is absent is asked for again while others are still fetched. `earlier` gives the roots that were
    revealed before, with their rounds; it is asked while others are fetched.

    Raises Unavailable if the store itself does not work, Stopped.
    """

    def fetch(index: int, share: Deadline) -> CarFile:
        return store.get(state.updates[index].root, spec.layout.delta_shape, share)

    unavailable: Unavailable | None = None
    for fetched in side_by_side(indices, fetch, deadline, AGAIN_SECONDS):
        if isinstance(fetched.error, Unavailable):
            unavailable = fetched.error  # of the others something may be here
        elif isinstance(fetched.error, FedError | OSError):  # malformed from one may still come whole from another
            found(Finding(fetched.key, Verdict.ABSENT, str(fetched.error)))
        elif fetched.result is None:
            raise fetched.error or ValueError("nothing was fetched")
        else:
            with fetched.result as leaves:
                found(_checked(spec, state, fetched.key, leaves, earlier()))
    if unavailable is not None:
        raise unavailable


def _checked(spec: Spec, state: RoundState, index: int, leaves: Leaves, earlier: Mapping[bytes, int]) -> Finding:
    try:
        check_new(state.updates, index, earlier)
        check_update(leaves, state.updates[index].shift, spec, state.number)
    except (BadUpdate, NumbersError) as error:
        return Finding(index, Verdict.BAD, str(error))
    except FedError as error:
        return Finding(index, Verdict.ABSENT, str(error))
    return Finding(index, Verdict.GOOD, "")
