"""Sends what was decided: each action's transactions, and what is written down around them."""

from __future__ import annotations

import logging

from fedaggregator.compute.confirmed import is_confirmed
from fedprotocol.chain.errors import ChainError
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.snapshot import RoundState, Snapshot
from fedprotocol.errors import FedError
from fedprotocol.tree import cid
from fedprotocol.types import Phase

from fednode.config import NodeConfig
from fednode.daemon import actions as do
from fednode.daemon.facts import Facts
from fednode.daemon.outcomes import Outcomes
from fednode.daemon.remembered import Memory
from fednode.daemon.reporting import Reporter
from fednode.daemon.sending import Sending

log = logging.getLogger("fednode")
LAST_PART = 4  # a quarter of Reveal: then what only makes it safer is not waited for any more


class TooEarly(FedError):
    """Nothing is wrong; the message says what must be first."""


class Performing:
    """Every method is called in the loop's thread."""

    def __init__(
        self,
        config: NodeConfig,
        coordinator: Coordinator,
        sending: Sending,
        memory: Memory,
        outcomes: Outcomes,
        reporter: Reporter,
    ) -> None:
        self._depth = config.chain.confirmations
        self._coordinator = coordinator
        self._sending = sending
        self._memory = memory
        self._outcomes = outcomes
        self._reporter = reporter

    def perform(self, action: do.Action, chain: Snapshot, facts: Facts) -> None:
        """Raises TooEarly, FedError, OSError."""
        sending = self._sending
        match action:
            case do.Commit(number):
                update = sending.commit(number, chain.round(number))
                log.info("round %d: committed, prior %s", number, cid(update.prior_root))
            case do.Reveal(number):
                state = chain.round(number)
                if state is not None:
                    at_last = state.view.phase_end - chain.time < chain.config.reveal_length / LAST_PART
                    if not at_last:
                        self._confirmed(number)
                    update = sending.reveal(state, at_last)
                    log.info("round %d: revealed %s, shift %d", number, cid(update.root), update.shift)
            case do.Attest(number):
                state = chain.round(number)
                if state is not None:
                    self._name_absent(chain, facts, action)
                    sending.attest(state, action)
                    log.info("round %d: attested, bitmap %s", number, bin(action.bitmap))
            case do.Propose(number):
                state = chain.round(number)
                if state is not None:
                    self._inputs_confirmed(state)
                    self._memory.note_proposed(number)
                    sending.propose(chain, state, facts.recomputed[number])
                    log.info("round %d: proposed %s", number, cid(facts.recomputed[number]))
            case do.Challenge(number, root):
                self._outcomes.challenged(action, sending.challenge(self._memory.cases[number, root]))
            case do.Abandon(number):
                sending.abandon(number)
                log.warning("round %d: abandoned", number)
            case do.Settle():
                sending.settle()
                self._memory.note_settled()
            case do.Claim():
                sending.claim()
                self._memory.note_bounty(False)
                log.info("claimed %d token units", chain.my_owed)

    def _inputs_confirmed(self, state: RoundState) -> None:
        """A proposal names its inputs, so that a re-org cannot turn it into a lie: the depth only spares its cost.
        Beside a lie it is not waited for, nor where the chain's node cannot tell it."""
        depth = self._depth
        if state.view.live > 0:
            return
        try:
            deep = is_confirmed(self._coordinator, state, depth)
        except ChainError as error:
            log.debug("round %d: the depth of its inputs is not known: %s", state.number, error)
            return
        if not deep:
            raise TooEarly(f"{depth} blocks on top of the inputs of round {state.number}")

    def _confirmed(self, number: int) -> None:
        """What is revealed cannot be hidden again: the end of Train should lie under enough blocks."""
        depth = self._depth
        if depth:
            latest = self._coordinator.head()
            phase = self._coordinator.round_view(number, block=max(0, latest - depth)).phase
            if phase < Phase.REVEAL:
                raise TooEarly(f"{depth} blocks on top of the end of round {number}'s Train")

    def _name_absent(self, chain: Snapshot, facts: Facts, action: do.Attest) -> None:
        try:
            self._reporter.absent(chain, facts, action)
        except Exception as error:  # only said for people; the attestation is owed
            log.warning("saying what is absent failed: %s", error)
