"""Attesting: vouching for the updates that were fetched, checked and pinned here."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from fedprotocol.chain.read.snapshot import RoundState, Snapshot
from fedprotocol.tree import cid

from fednode.daemon.action_context import Tools
from fednode.daemon.actions.action import ChainAction
from fednode.daemon.actions.content.check_inputs import owes_attestation, unchecked, verdicts_on
from fednode.daemon.actions.content.check_order import gives_up_at
from fednode.daemon.facts import Facts, UpdateVerdict
from fednode.daemon.snapshot_questions import phase_end, unsettled

log = logging.getLogger("fednode")


@dataclass(frozen=True)
class Attest(ChainAction):
    """Vouch for the updates in `bitmap`, which belong to the inputs `inputs_hash`."""

    round: int
    inputs_hash: bytes
    bitmap: int
    is_owed = True
    keeps_node_running = True

    @staticmethod
    def due(chain: Snapshot, facts: Facts) -> Iterator[Attest]:
        """When each update has a final verdict, or absent ones are given up."""
        for state in unsettled(chain):
            if not owes_attestation(state):
                continue
            gives_up = chain.time >= gives_up_at(chain.account, state, facts.configured.attest_margin)
            if gives_up or not unchecked(facts, state):
                good = [i for i, verdict in verdicts_on(facts, state).items() if verdict is UpdateVerdict.GOOD]
                yield Attest(state.number, state.view.inputs_hash, sum(1 << i for i in good))

    def describe(self) -> str:
        return f"sending its attestation of round {self.round}"

    def send(self, tools: Tools, chain: Snapshot, facts: Facts) -> None:
        state = chain.round(self.round)
        if state is None:
            return
        try:
            self._name_absent(tools, state, facts)
        except Exception as error:  # this only informs people; the attestation must go on
            log.warning("saying what is absent failed: %s", error)
        call = tools.coordinator.calls.attest(self.round, self.inputs_hash, self.bitmap)
        tools.sender.send(call, f"attest in round {self.round}", phase_end(state))
        log.info("round %d: attested, bitmap %s", self.round, bin(self.bitmap))

    def _name_absent(self, tools: Tools, state: RoundState, facts: Facts) -> None:
        """Tell people which updates this node does not vouch for."""
        checked = facts.remembered.checked.get(self.round)
        for index, update in enumerate(state.updates):
            if not self.bitmap >> index & 1:
                verdict = (
                    checked.verdicts.get(index, UpdateVerdict.ABSENT) if checked is not None else UpdateVerdict.ABSENT
                )
                what = f"round {self.round}: attesting without update {index}, {verdict.value}: "
                tools.report(f"{what}client {update.client}, root {cid(update.root)}", self, self.round)
