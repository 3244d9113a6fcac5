"""Checking the revealed updates before the attestation: each is fetched, checked, and stays pinned in the own store."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from fedprotocol.car import CarFile, Leaves
from fedprotocol.chain.read.snapshot import RoundState, Snapshot
from fedprotocol.errors import FedError
from fedprotocol.numbers import NumbersError
from fedprotocol.program.background import Body
from fedprotocol.spec import Spec
from fedprotocol.store.base import Store, Unavailable
from fedprotocol.store.deadline import Deadline
from fedprotocol.store.side_by_side import side_by_side
from fedprotocol.tree import cid
from fedprotocol.types import Phase

from fednode.daemon.action_context import Tools
from fednode.daemon.actions.action import Lane, Revisit, Wait, Work
from fednode.daemon.actions.content.check_order import gives_up_at, in_order, seconds_to_check
from fednode.daemon.actions.content.update_checks import BadUpdate, check_masked, check_new, check_unused, check_update
from fednode.daemon.facts import Facts, MaskStep, UpdateVerdict
from fednode.daemon.snapshot_questions import round_of, unsettled
from fednode.daemon.wait_reason import Cause

log = logging.getLogger("fednode")

AGAIN_SECONDS = 3.0
"""Seconds after which a missing update is requested again, while others are still being fetched."""
TRIES_IN_ATTEST = 16  # at least, to get what is absent or malformed


@dataclass(frozen=True)
class Finding:
    """The verdict on one update. `why` is empty for a good one."""

    index: int
    verdict: UpdateVerdict
    why: str


@dataclass(frozen=True)
class CheckInputs(Work):
    """Fetch and check the revealed updates that have no final verdict yet."""

    round: int
    inputs_hash: bytes
    lane = Lane.INPUTS
    leads_to = "attest"

    @staticmethod
    def due(chain: Snapshot, facts: Facts) -> Iterator[Work]:
        for state in unsettled(chain):
            if owes_attestation(state) and unchecked(facts, state) and not _is_early(chain, facts, state):
                yield CheckInputs(state.number, state.view.inputs_hash)

    def describe(self) -> str:
        return f"fetching and checking the updates of round {self.round}"

    def still_wanted(self, chain: Snapshot, facts: Facts) -> bool:
        state = chain.round(self.round)
        return state is not None and state.view.inputs_hash == self.inputs_hash and owes_attestation(state)

    def why_left_alone(self, chain: Snapshot, facts: Facts) -> Wait | None:
        checked = facts.remembered.checked.get(self.round)
        verdicts = list(checked.verdicts.values()) if checked is not None else []
        here = len(verdicts) - verdicts.count(UpdateVerdict.ABSENT)
        state = chain.round(self.round)
        revealed = len(state.updates) if state is not None else 0
        until = gives_up_at(chain.account, state, facts.configured.attest_margin) if state is not None else 0
        what = f"updates of round {self.round} that nobody serves ({here} of {revealed} are checked)"
        return Wait(Cause.ABSENT, what, until, "attest without them")

    def revisit(self, chain: Snapshot) -> Revisit:
        return Revisit(longest=chain.config.attest_length / TRIES_IN_ATTEST)

    def job(self, tools: Tools, chain: Snapshot, facts: Facts) -> Body:
        state = round_of(chain, self.round)
        order = in_order(state, unchecked(facts, state))
        seconds = seconds_to_check(chain, state, facts.configured.attest_margin)
        found = partial(tools.tell, self)
        earlier = partial(tools.earlier_roots.before, self.round)
        return lambda stop: check_inputs(tools.store, tools.spec, state, order, found, Deadline(seconds, stop), earlier)

    def heard(self, tools: Tools, part: Finding, chain: Snapshot) -> None:
        """One verdict on one update."""
        checked = tools.memory.checked.get(self.round)
        known = checked.verdicts if checked is not None and checked.inputs_hash == self.inputs_hash else {}
        if known.get(part.index) == part.verdict:
            return
        tools.memory.note_verdict(self.round, self.inputs_hash, part.index, part.verdict)
        state = chain.round(self.round)
        if state is None or part.index >= len(state.updates):
            return
        update = state.updates[part.index]
        if part.verdict is UpdateVerdict.GOOD:
            log.info("round %d: update %d of %s checked and pinned", self.round, part.index, update.client)
        else:
            log.warning(
                "round %d: update %d of %s, root %s, is %s: %s",
                self.round,
                part.index,
                update.client,
                cid(update.root),
                part.verdict.value,
                part.why,
            )

    def ended(self, tools: Tools, result: Any, chain: Snapshot) -> None:
        """There is nothing left to write down, because each finding was taken when it came."""


def _is_early(chain: Snapshot, facts: Facts, state: RoundState) -> bool:
    """Whether this site's masked update is not served yet: then the reveals are not final, and nobody's is. From the
    middle of Attest on the others' count for themselves."""
    own = facts.remembered.updates.get(state.number)
    is_served = own is None or own.masks in (None, MaskStep.SERVED)
    return not is_served and chain.time < (state.view.phase_start + state.view.phase_end) // 2


def owes_attestation(state: RoundState) -> bool:
    """Whether this account revealed in the round and has not attested yet."""
    if state.view.phase is not Phase.ATTEST or state.my_index is None:
        return False
    return not state.updates[state.my_index].attested


def verdicts_on(facts: Facts, state: RoundState) -> Mapping[int, UpdateVerdict]:
    """The verdicts by index of the update, for the present inputs of the round."""
    checked = facts.remembered.checked.get(state.number)
    return checked.verdicts if checked is not None and checked.inputs_hash == state.view.inputs_hash else {}


def unchecked(facts: Facts, state: RoundState) -> list[int]:
    """Indices of the updates without a final verdict."""
    verdicts = verdicts_on(facts, state)
    return [i for i in range(len(state.updates)) if verdicts.get(i, UpdateVerdict.ABSENT) is UpdateVerdict.ABSENT]


def check_inputs(
    store: Store,
    spec: Spec,
    state: RoundState,
    indices: Sequence[int],
    found: Callable[[Finding], None],
    deadline: Deadline,
    earlier: Callable[[], Mapping[bytes, int]],
) -> None:
    """Fetch the updates at `indices`, the first ones first, and check them; `found` is called for each as soon as its
    verdict is known. Missing updates are requested again while others are still being fetched. `earlier` returns the
    roots that were revealed in earlier rounds, with their rounds; it is called while updates are being fetched.

    Raises Unavailable if the store itself does not work, Stopped.
    """

    def fetch(index: int, share: Deadline) -> CarFile:
        return store.get(state.updates[index].root, spec.layout.delta_shape, share)

    unavailable: Unavailable | None = None
    for fetched in side_by_side(indices, fetch, deadline, AGAIN_SECONDS):
        if isinstance(fetched.error, Unavailable):
            unavailable = fetched.error  # some leaves of the others may already be here
        # an update that is malformed in one source may still be whole in another
        elif isinstance(fetched.error, FedError | OSError):
            found(Finding(fetched.key, UpdateVerdict.ABSENT, str(fetched.error)))
        elif fetched.result is None:
            raise fetched.error or ValueError("nothing was fetched")
        else:
            with fetched.result as leaves:
                found(_checked(spec, state, fetched.key, leaves, earlier()))
    if unavailable is not None:
        raise unavailable


def _checked(spec: Spec, state: RoundState, index: int, leaves: Leaves, earlier: Mapping[bytes, int]) -> Finding:
    try:
        if spec.is_masked:
            check_unused(state.updates[index].root, earlier)
            check_masked(leaves, spec, state.number)
        else:
            check_new(state.updates, index, earlier)
            check_update(leaves, state.updates[index].shift, spec, state.number)
    except (BadUpdate, NumbersError) as error:
        return Finding(index, UpdateVerdict.BAD, str(error))
    except FedError as error:
        return Finding(index, UpdateVerdict.ABSENT, str(error))
    return Finding(index, UpdateVerdict.GOOD, "")
