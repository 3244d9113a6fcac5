"""An account's aggregator: a watcher that proposes, convicts and collects."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from fedprotocol.chain.agreement import Agreement
from fedprotocol.chain.coordinator import Coordinator
from fedprotocol.chain.errors import ContractReverted
from fedprotocol.chain.fees import FeePolicy
from fedprotocol.chain.sender import Sender
from fedprotocol.chain.signer import Signer
from fedprotocol.chain.snapshot import RoundState, Snapshot
from fedprotocol.chain.trust import require_known
from fedprotocol.chain.types import Proposal
from fedprotocol.errors import FedError
from fedprotocol.journal import Journal
from fedprotocol.monitor.chain import introduce
from fedprotocol.store.base import Store
from fedprotocol.store.open import open_store
from fedprotocol.tree import PAGE_LEAVES, cid
from web3.logs import DISCARD

from fedaggregator.config import AggregatorConfig
from fedaggregator.convict import Move, advance, advised
from fedaggregator.decide import Action, Approve, Challenge, Claim, ProposePage
from fedaggregator.dispute import Case
from fedaggregator.evidence import gather
from fedaggregator.inputs import rule_of
from fedaggregator.memory import Memory
from fedaggregator.watcher import Watcher, log, state_of


class Aggregator(Watcher):
    """One account's aggregator of one federation."""

    def __init__(
        self,
        config: AggregatorConfig,
        coordinator: Coordinator,
        store: Store,
        journal: Journal,
        sender: Sender,
        proposes: bool = True,
    ) -> None:
        memory = Memory(journal, config.aggregator.keep_rounds, proposes)
        super().__init__(config, coordinator, store, sender.address, memory)
        self.sender = sender
        self.cases: dict[tuple[int, bytes], Case] = {}  # by round and proposed root

    @classmethod
    @contextmanager
    def open(cls, config: AggregatorConfig, signer: Signer, proposes: bool = True) -> Iterator[Self]:
        """An aggregator on the chain and the store that `config` names; a watchtower if it is not to propose.

        Raises:
            FedError: the journal is in use or another's, the chain or the store does not answer, the rule is unknown.
        """
        chain = config.chain
        config.cache.mkdir(parents=True, exist_ok=True)
        with Journal(config.journal) as journal:
            coordinator = Coordinator.connect(chain.rpc, chain.coordinator, chain.chain_id)
            journal.bind(chain.chain_id, coordinator.address, signer.address)
            store = open_store(config.store.url, config.cache, config.store.peers)
            log.info("store: %s", store.check())
            log.info("rule: %s, account: %s", rule_of(coordinator).name, signer.address)
            agreement = Agreement(coordinator, signer.address, chain.confirmations)
            sender = Sender(coordinator.web3, signer, journal, FeePolicy.of(chain), agreement=agreement)
            introduce("fedaggregator", coordinator, signer.address)
            yield cls(config, coordinator, store, journal, sender, proposes)

    def run(self, stop: threading.Event) -> None:
        """See `Watcher.run`. Raises ForeignCode before anything is put in, and ChainError if that cannot be seen."""
        require_known(self.coordinator, self.config.chain)
        super().run(stop)

    def resume(self) -> None:
        self.sender.resume()

    def act(self, action: Action, snapshot: Snapshot) -> None:
        match action:
            case Challenge(number, proposal):
                self.challenge(state_of(snapshot, number), proposal)
            case Approve(amount):
                self.coordinator.token.ensure_allowance(self.sender, self.coordinator.address, amount)
            case ProposePage(number, page):
                self.propose(state_of(snapshot, number), page)
            case Claim(settled):
                self.claim(settled)
            case _:
                super().act(action, snapshot)

    def failed(self, action: Action, snapshot: Snapshot) -> None:
        match action:
            case Challenge(number, proposal):
                self.memory.failed(number, proposal.root)
            case ProposePage(number, _):
                self.memory.failed(number, self.memory.own_root(state_of(snapshot, number)) or b"")
            case Claim():
                self.memory.claim_failed()
            case _:
                super().failed(action, snapshot)

    def challenge(self, state: RoundState, proposal: Proposal) -> None:
        """Build and simulate the case against a wrong proposal, or send its next call."""
        key = state.number, proposal.root
        self.cases = {known: case for known, case in self.cases.items() if known[0] == state.number}
        try:
            case = self.cases.get(key)
            if case is None:
                with self._own(state) as own:
                    case = gather(self.events, self.store, state, own, proposal)
                if case is None:
                    raise FedError(f"round {state.number}: {cid(proposal.root)} turned out to be right")
                costs = advised(self.coordinator, self.sender.address, case) or "it is not live any more"
                log.info("round %d: case against %s, %s", state.number, cid(proposal.root), costs)
                self.cases[key] = case
                return
            move, _ = advance(self.coordinator, self.sender, case)
        except FedError:
            self.cases.pop(key, None)  # built anew next time: the inputs may have changed
            raise
        if move is not Move.CARRIED:
            del self.cases[key]
        if move is Move.CONVICTED:
            log.info("round %d: CONVICTED %s of %s", state.number, cid(proposal.root), proposal.proposer)
        elif move is Move.GONE:
            log.info("round %d: %s is not live any more", state.number, cid(proposal.root))

    def propose(self, state: RoundState, page: int) -> None:
        """Hand in one page of our global; the last one takes the bond."""
        with self._own(state) as own:
            start, stop = page * PAGE_LEAVES, min((page + 1) * PAGE_LEAVES, len(own))
            digests = [own.digest(leaf) for leaf in range(start, stop)]
            is_last = stop == len(own)
        if page == 0:
            self.memory.paging(state.number, own.root)
        if is_last:
            self.memory.proposing(state.number)
        try:
            call = self.coordinator.calls.propose(
                state.number, state.view.inputs_hash, state.view.accepted_mask, page, digests
            )
            self.sender.send(call, f"propose round {state.number} page {page}", state.view.phase_end or None)
        except ContractReverted as error:
            if error.name not in ("DuplicateRoot", "WrongPhase"):
                raise
            log.info("round %d: another aggregator was first (%s)", state.number, error.name)
        else:
            if is_last:
                log.info("round %d: proposed %s, bond %d token units", state.number, cid(own.root), 0)

    def claim(self, settled: frozenset[int]) -> int:
        """Take what is owed; the rounds in `settled` are then collected. Returns the token units taken."""
        amount = 0
        try:
            receipt = self.sender.send(self.coordinator.calls.claim(), "claim")
        except ContractReverted as error:
            if error.name != "NothingOwed":
                raise
        else:
            events = self.coordinator.contract.events.Claimed().process_receipt(receipt, errors=DISCARD)
            amount = sum(event["args"]["amount"] for event in events)
            log.info("claimed %d token units", amount)
        self.memory.collected(settled)
        return amount
