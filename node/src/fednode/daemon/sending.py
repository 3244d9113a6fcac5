"""What the node sends. Each call is a dry run first, and in the journal's outbox before it leaves (`Sender`)."""

from __future__ import annotations

from fedaggregator.disputes.case import Case
from fedaggregator.disputes.convict import Move, advance
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.snapshot import RoundState, Snapshot
from fedprotocol.chain.send.sender import Sender
from fedprotocol.errors import FedError
from fedprotocol.files.tree_files import open_car
from fedprotocol.journal import Journal, UpdateRecord
from fedprotocol.spec import Spec
from fedprotocol.store.base import Store
from fedprotocol.store.deadline import Deadline
from fedprotocol.tree import PAGE_LEAVES

from fednode.daemon import actions as do

OWN_SECONDS = 5.0
"""For reading what must be in the own store, in the loop itself: nobody else's slowness may hold it up."""


class BondMissing(FedError):
    """A proposal is due and the account has not the tokens for its bond."""


class Sending:
    """Errors of every method: those of `Sender.send`."""

    def __init__(self, coordinator: Coordinator, sender: Sender, journal: Journal, store: Store, spec: Spec) -> None:
        self._coordinator = coordinator
        self._sender = sender
        self._journal = journal
        self._store = store
        self._spec = spec

    def commit_hash(self, record: UpdateRecord) -> bytes:
        """What the commitment of a journalled update is on the chain."""
        return self._coordinator.commit_hash(
            record.round,
            self._sender.address,
            record.prior_root,
            record.root,
            record.shift,
            record.examples,
            record.salt,
        )

    def commit(self, number: int, opened: RoundState | None) -> UpdateRecord:
        """`opened`: the round, if it is open; otherwise this opens it."""
        record = self._journal.update(number)
        if record is None:
            raise LookupError(f"no update of round {number} in the journal")
        call = self._coordinator.calls.commit(number, record.prior_root, self.commit_hash(record))
        self._sender.send(call, f"commit in round {number}", _end(opened) if opened else None)
        return record

    def reveal(self, state: RoundState, at_last: bool = False) -> UpdateRecord:
        """Publish first: nobody can vouch for what nobody serves. Raises StoreError, CarError too.

        `at_last`: there is hardly time left. Then it is revealed first, which saves the penalty.
        """
        number = state.number
        records = self._journal.updates(number)
        record = next(r for r in records if state.my_commitment and self.commit_hash(r) == state.my_commitment.hash)
        call = self._coordinator.calls.reveal(
            number, record.root, record.shift, record.examples, record.salt, record.loss_before, record.loss_after
        )
        if not at_last:
            self._publish(record)
        self._sender.send(call, f"reveal in round {number}", _end(state))
        if at_last:
            self._publish(record)
        return record

    def _publish(self, record: UpdateRecord) -> None:
        with open_car(record.car, record.root, self._spec.layout.delta_shape) as leaves:
            self._store.put(leaves)

    def attest(self, state: RoundState, action: do.Attest) -> None:
        call = self._coordinator.calls.attest(action.round, action.inputs_hash, action.bitmap)
        self._sender.send(call, f"attest in round {action.round}", _end(state))

    def propose(self, chain: Snapshot, state: RoundState, own_root: bytes) -> None:
        """All pages, from the first. Raises BondMissing, StoreError too."""
        if chain.tokens < chain.bond:
            raise BondMissing(
                f"round {state.number} needs a proposal, its bond is {chain.bond} token units and {chain.account} has "
                f"{chain.tokens}: send it tokens"
            )
        with self._store.get(own_root, self._spec.layout.global_shape, Deadline(OWN_SECONDS)) as leaves:
            digests = [leaves.digest(index) for index in range(len(leaves))]
        self._coordinator.token.ensure_allowance(self._sender, self._coordinator.address, chain.bond, _end(state))
        for page, first in enumerate(range(0, len(digests), PAGE_LEAVES)):
            call = self._coordinator.calls.propose(
                state.number,
                state.view.inputs_hash,
                state.view.accepted_mask,
                page,
                digests[first : first + PAGE_LEAVES],
            )
            self._sender.send(call, f"propose page {page} in round {state.number}", _end(state))

    def challenge(self, case: Case) -> Move:
        """The next call of the case. Raises StaleCase too."""
        return advance(self._coordinator, self._sender, case)[0]

    def abandon(self, number: int) -> None:
        self._sender.send(self._coordinator.calls.abandon(number), f"abandon round {number}")

    def settle(self) -> None:
        self._sender.send(self._coordinator.calls.settle(self._sender.address), "settle the account")

    def claim(self) -> None:
        self._sender.send(self._coordinator.calls.claim(), "claim")


def _end(state: RoundState) -> int | None:
    """Of the phase the round is in, chain seconds; None if it has none."""
    return state.view.phase_end or None
