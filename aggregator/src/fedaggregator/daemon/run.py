"""An account's aggregator: a watcher that proposes, convicts and collects."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from fedprotocol.chain.account.signer import Signer
from fedprotocol.chain.errors import INPUTS_CHANGED, ContractReverted
from fedprotocol.chain.read.agreement import Agreement
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.events import claimed
from fedprotocol.chain.read.peer_directory import PeerDirectory
from fedprotocol.chain.read.snapshot import RoundState, Snapshot
from fedprotocol.chain.read.trust import require_known
from fedprotocol.chain.send.fees import FeePolicy
from fedprotocol.chain.send.sender import Sender
from fedprotocol.chains import describe_depth
from fedprotocol.journal import Journal
from fedprotocol.monitor.chain import introduce
from fedprotocol.peers.announcement import wanted
from fedprotocol.peers.find import open_shared_store
from fedprotocol.program.upgrades import tell_upgrade
from fedprotocol.store.base import Store
from fedprotocol.store.deadline import Deadline
from fedprotocol.tree import PAGE_LEAVES, cid
from fedprotocol.types import Proposal

from fedaggregator import __version__
from fedaggregator.compute.inputs import rule_of
from fedaggregator.config import AggregatorConfig
from fedaggregator.daemon.actions import (
    Action,
    Announce,
    Approve,
    BuildCase,
    Challenge,
    Claim,
    Impeach,
    ProposePage,
    Resume,
    Sent,
    Work,
)
from fedaggregator.daemon.journal_facts import Memory
from fedaggregator.daemon.loop import NotYet, log
from fedaggregator.daemon.watch import Watcher, state_of
from fedaggregator.disputes.case import Case
from fedaggregator.disputes.convict import Move, advance, advised
from fedaggregator.disputes.evidence import gather
from fedaggregator.disputes.leaf_case import StaleCase

OWN_SECONDS = 60.0  # seconds for reading, in the loop itself, what must be in the own store
# seconds of chain time after which a claim is replaced, because transactions that are sent next wait for it
MONEY_SECONDS = 300
BEATEN = {"DuplicateRoot", "WrongPhase"}  # the right proposal is live, no matter who made it, or the round is over


class Aggregator(Watcher):
    """The aggregator of one account in one federation."""

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
        self._cases: dict[tuple[int, bytes], Case] = {}  # cases by round and proposed root
        self._announced: str | None = None  # by this process
        self._left_open = bool(journal.outbox_open(coordinator.chain_id, sender.address))

    @classmethod
    @contextmanager
    def open(cls, config: AggregatorConfig, signer: Signer, proposes: bool = True) -> Iterator[Self]:
        """An aggregator on the chain and the store that `config` names; a watchtower if it must not propose. Raises:
        FedError: the journal is in use or belongs to somebody else, the chain or the store does not answer, the rule is
        unknown.
        """
        chain = config.chain
        config.cache.mkdir(parents=True, exist_ok=True)
        with Journal(config.journal) as journal:
            coordinator = Coordinator.connect(chain.rpc, chain.coordinator, chain.chain_id)
            journal.bind(chain.chain_id, coordinator.address, signer.address)
            store = open_shared_store(config, lambda: coordinator)
            log.info("store: %s", store.check())
            log.info("rule: %s, account: %s", rule_of(coordinator).name, signer.address)
            log.info("confirmations: %s", describe_depth(chain.chain_id, chain.confirmations))
            agreement = Agreement(coordinator, signer.address, chain.confirmations)
            sender = Sender(coordinator.web3, signer, journal, FeePolicy.of(chain), agreement=agreement)
            tell_upgrade(config.home, "fedaggregator", __version__)
            introduce("fedaggregator", coordinator, signer.address)
            yield cls(config, coordinator, store, journal, sender, proposes)

    def run(self, stop: threading.Event) -> None:
        """See `Loop.run`. Raises ForeignCode before anything is put in, and ChainError if that cannot be seen."""
        require_known(self.coordinator, self.config.chain)
        super().run(stop)

    def send(self, action: Sent, snapshot: Snapshot) -> None:
        match action:
            case Challenge(number, proposal):
                self.challenge(number, proposal)
            case Impeach(number):
                self.impeach(number)
            case Approve(_, amount):
                soon = snapshot.time + MONEY_SECONDS
                self.coordinator.token.ensure_allowance(self.sender, self.coordinator.address, amount, soon)
            case ProposePage(number, page):
                self.propose(state_of(snapshot, number), page, snapshot.bond)
            case Claim(settled):
                self.claim(settled, snapshot.time + MONEY_SECONDS)
            case Announce(text):
                self.announce(text, snapshot.time + MONEY_SECONDS)
            case Resume():
                self.sender.resume()
                self._left_open = False

    def work(self, action: Work, snapshot: Snapshot, stop: threading.Event) -> None:
        if isinstance(action, BuildCase):
            self.build(state_of(snapshot, action.round), action.proposal, stop)
        else:
            super().work(action, snapshot, stop)

    def failed(self, action: Action, error: Exception, snapshot: Snapshot) -> None:
        super().failed(action, error, snapshot)
        if isinstance(action, Challenge):  # the case is built again, when the call would be sent again
            self._cases.pop((action.round, action.proposal.root), None)
            super().failed(BuildCase(action.round, action.proposal), error, snapshot)
        if isinstance(action, Impeach):  # likewise: the round is merged again
            self.impeachments.pop(action.round, None)
        if isinstance(action, Challenge | BuildCase) and isinstance(error, StaleCase):
            self.memory.forget_merged(action.round)

    def cases_at_hand(self, snapshot: Snapshot) -> frozenset[tuple[int, bytes]]:
        inputs = {s.number: (s.view.inputs_hash, s.view.accepted_mask) for s in snapshot.rounds if s.proposals}
        for key, case in list(self._cases.items()):
            if inputs.get(key[0]) != (case.inputs_hash, case.accepted_mask):
                del self._cases[key]
        return frozenset(self._cases)

    def left_open(self) -> bool:
        return self._left_open

    def announcement(self) -> str | None:
        text = wanted(self.config)
        return None if text == self._announced else text

    def announce(self, text: str, deadline: int) -> None:
        """Make `text` what the peer directory says of this account, by `deadline` (chain time)."""
        directory = PeerDirectory(self.coordinator)
        if directory.is_there() and directory.said_by(self.sender.address) != text:
            self.sender.send(directory.announce(text), "announce", deadline)
            log.info("announced: %s", ", ".join(text.splitlines()) or "nothing any more")
        self._announced = text

    def build(self, state: RoundState, proposal: Proposal, stop: threading.Event) -> None:
        """Prepare the proof against a wrong proposal, and say what it costs."""
        within = Deadline(stop=stop)
        with self._own(state, within) as own:
            case = gather(self.events, self.store, state, own, proposal)
        within.check()
        costs = advised(self.coordinator, self.sender.address, case) or "it is not live any more"
        log.info("round %d: case against %s, %s", state.number, cid(proposal.root), costs)
        self._cases[state.number, proposal.root] = case

    def challenge(self, number: int, proposal: Proposal) -> None:
        """Send the next call of the proof that is ready."""
        key = number, proposal.root
        move, _ = advance(self.coordinator, self.sender, self._cases[key])
        if move is not Move.CARRIED:
            del self._cases[key]
        if move is Move.PROVED:
            log.info("round %d: CONVICTED %s of %s", number, cid(proposal.root), proposal.proposer)
        elif move is Move.GONE:
            log.info("round %d: %s is not live any more", number, cid(proposal.root))

    def impeach(self, number: int) -> None:
        """Send the next call that makes the round void."""
        move, _ = advance(self.coordinator, self.sender, self.impeachments[number])
        if move is Move.PROVED:
            log.info("round %d: IMPEACHED, it is void", number)
        elif move is Move.GONE:
            log.info("round %d: it is not open any more", number)

    def propose(self, state: RoundState, page: int, bond: int) -> None:
        """Send one page of our global. The last page takes the `bond`. Also raises NotYet."""
        with self._own(state, Deadline(OWN_SECONDS)) as own:
            start, stop = page * PAGE_LEAVES, min((page + 1) * PAGE_LEAVES, len(own))
            digests = [own.digest(leaf) for leaf in range(start, stop)]
            is_last = stop == len(own)
        if page == 0:
            self.memory.paging(state.number, own.root)
        if is_last:
            self.memory.proposing(state.number)
        try:
            view = state.view
            call = self.coordinator.calls.propose(state.number, view.inputs_hash, view.accepted_mask, page, digests)
            self.sender.send(call, f"propose round {state.number} page {page}", state.view.phase_end or None)
        except ContractReverted as error:
            if error.name not in BEATEN | INPUTS_CHANGED:
                raise
            why = "another aggregator was first" if error.name in BEATEN else "its inputs changed (a re-org)"
            raise NotYet(f"round {state.number}: {why} ({error.name})") from error
        else:
            if is_last:
                log.info("round %d: proposed %s, bond %s", state.number, cid(own.root), self.amounts(bond))

    def claim(self, settled: frozenset[int], deadline: int | None = None) -> int:
        """Take what is owed, by `deadline` (chain time); the rounds in `settled` are then collected. Returns the token
        units that were taken; 0 if the receipt does not say."""
        amount = 0
        try:
            receipt = self.sender.send(self.coordinator.calls.claim(), "claim", deadline)
        except ContractReverted as error:
            if error.name != "NothingOwed":
                raise
        else:
            amount = claimed(self.coordinator, receipt) or 0
            log.info("claimed %s", self.amounts(amount) if amount else "what was owed")
        self.memory.collected(settled)
        return amount
