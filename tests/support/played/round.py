"""One round of a played federation, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from fedaggregator.compute.merge import Contribution
from fedaggregator.disputes.case import Case, build
from fedaggregator.disputes.judge import Claim, Wrong, judge
from fedaggregator.disputes.leaf_case import next_call
from fedprotocol.chain.read.disputes import Disputes, Proof, Step, calldata
from fedprotocol.chain.read.snapshot import take_snapshot
from fedprotocol.hashes import commit_hash, inputs_genesis, inputs_step
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.types import Phase, RoundView, VoidReason
from numpy.typing import NDArray
from support.played.blocks import Send
from support.played.content import Learned, next_global, tree_of
from support.played.federation import Client, PlayedFederation
from support.played.plan import Plan

PROOF_GAS = 25_000_000


@dataclass
class PlayedRound:
    """Round `number`, whose clients train on the global of `prior_root`; `members` may commit."""

    federation: PlayedFederation
    number: int
    plan: Plan
    prior_root: bytes
    members: list[Client]
    learned: dict[int, Learned] = field(default_factory=dict)  # by the client's number
    revealed: list[Client] = field(default_factory=list)  # in the order of their indices
    attested: set[int] = field(default_factory=set)  # clients' numbers
    inputs_hash: bytes = bytes(32)
    right_root: bytes = b""  # of the right proposal, once there is one
    proposer: str = ""  # who made it
    lies: list[bytes] = field(default_factory=list)  # roots of the wrong proposals
    _viewed: tuple[int, RoundView] | None = None  # at which time

    @property
    def view(self) -> RoundView:
        """As of the last block."""
        time = self.federation.blocks.time
        if self._viewed is None or self._viewed[0] != time:
            self._viewed = (time, self.federation.coordinator.round_view(self.number, "latest"))
        return self._viewed[1]

    def pass_phase(self, phase: Phase) -> None:
        """Wait until the round is no longer in it."""
        blocks = self.federation.blocks
        while (view := self.view).phase is phase:
            blocks.wait_until(max(view.phase_end, blocks.time + 1))

    # ----------------------------------------------------------------- clients

    def commit(self, most: int | None = None) -> None:
        """Those who have not committed yet do, but for those who are absent, or misled for good; `most` of them at
        most."""
        missing = {*self.plan.absent, *sorted(self.plan.misled)[::2], *self.learned}
        self.commit_to(self.prior_root, [c for c in self.members if c.number not in missing][:most])

    def commit_to(self, root: bytes, clients: Sequence[Client]) -> None:
        """They commit to updates of the global of `root`."""
        f, sends = self.federation, []
        for client in clients:
            learned = f.landscape.learn(client.number, f.globals[root][0], f.config)
            if root == self.prior_root:
                self.learned[client.number] = learned
            hash_ = commit_hash(
                *(f.chain_id, f.coordinator.address, self.number, client.address, root),
                *self._opening(client, learned),
            )
            sends.append(f.send(client.address, "commit", self.number, root, hash_))
        f.step(sends)

    def reveal(self, most: int | None = None) -> None:
        """Those who have not revealed yet do, in the order of their numbers; `most` of them at most."""
        f, sends = self.federation, []
        if not self.revealed:
            self.inputs_hash = inputs_genesis(f.chain_id, f.coordinator.address, self.number, self.prior_root)
        missing = {*self.plan.hidden, *(client.number for client in self.revealed)}
        for client in [c for c in self.members if c.number in self.learned and c.number not in missing][:most]:
            learned = self.learned[client.number]
            opening, losses = self._opening(client, learned), (learned.loss_before, learned.loss_after)
            sends.append(f.send(client.address, "reveal", self.number, *opening, *losses))
            step = (len(self.revealed), client.address, learned.leaves.root, learned.shift, client.examples)
            self.inputs_hash = inputs_step(self.inputs_hash, *step)
            self.revealed.append(client)
            f.publish(self.number, learned.leaves)
        f.step(sends)

    def attest(self, most: int | None = None) -> None:
        """Those who have not attested yet do; `most` of them at most."""
        f, sends = self.federation, []
        missing = {*self.plan.mute, *self.attested}
        for client in [c for c in self.revealed if c.number not in missing][:most]:
            own = 1 << self.revealed.index(client)
            bitmap = own if self.plan.divided else own | self._accepted_mask
            sends.append(f.send(client.address, "attest", self.number, self.inputs_hash, bitmap))
            self.attested.add(client.number)
        f.step(sends)

    # --------------------------------------------------------------- proposals

    def propose(self, proposer: str) -> None:
        """The right global."""
        self.right_root, self.proposer = self._propose(proposer, self._right()), proposer

    def propose_wrongly(self, proposer: str, value: int) -> bytes:
        """A global that is one unit too large at `value` of its last part; returns its root."""
        values = self._right()
        values[-1, value] += 1
        self.lies.append(self._propose(proposer, values))
        return self.lies[-1]

    def convict(self, root: bytes, challenger: str, carried: bool = False) -> None:
        """Prove the proposal of `root` wrong; `carried`: half of the updates are summed by a call of its own."""
        f = self.federation
        case, start = self._case(root), 0
        if carried:
            start = len(case.shares) // 2
            openings = tuple(share.opening for share in case.shares[:start])
            self._dispute(Step(case.round, case.inputs_hash, case.leaf, case.sums([0])[0], openings), challenger)
        proof = next_call(case, start)
        assert isinstance(proof, Proof)
        self._dispute(proof, challenger)
        f.owed.add(challenger)

    def _case(self, root: bytes) -> Case:
        f, accepted = self.federation, [c for c in self.revealed if c.number not in self.plan.refused]
        claimed = self._tree(f.globals[root])
        claim = Claim(root, [claimed.digest(i) for i in range(len(claimed))])
        verdict = judge(claim, self._tree(self._right()))
        assert isinstance(verdict, Wrong) and verdict.first
        learned = [(client, self.learned[client.number]) for client in accepted]
        contributions = [Contribution(update.leaves, client.examples, update.shift) for client, update in learned]
        state = take_snapshot(f.coordinator, f.watchtower).round(self.number)
        assert state
        prior = self._tree(f.globals[self.prior_root])
        return build(f.rule, f.config, state, prior, contributions, claim, verdict.first)

    def _dispute(self, what: Step | Proof, challenger: str) -> None:
        disputes = Disputes(self.federation.coordinator)
        self.federation.step([Send(challenger, disputes.address, calldata(disputes.call(what)), PROOF_GAS)])

    def _propose(self, proposer: str, values: NDArray[np.int32]) -> bytes:
        f, leaves = self.federation, self._tree(values)
        digests = [leaves.digest(i) for i in range(len(leaves))]
        arguments = (self.number, self.inputs_hash, self._accepted_mask, 0, digests)
        f.step([f.send(proposer, "propose", *arguments)])
        f.publish(self.number, leaves)
        f.globals[leaves.root] = values
        return leaves.root

    # ------------------------------------------------------------- what follows

    @property
    def expected_root(self) -> bytes:
        """Of the right global, whose inputs are fixed."""
        return self._tree(self._right()).root

    @property
    def paid(self) -> list[Client]:
        """Whose updates are accepted, and who attested."""
        return [c for c in self.revealed if c.number in self.attested and c.number not in self.plan.refused]

    @property
    def guilty(self) -> list[Client]:
        """Who owes a penalty for this round."""
        if self.view.void_reason is VoidReason.PRIOR_VOID:
            return []
        reached_attest = self.view.void_reason not in (VoidReason.TOO_FEW_COMMITS, VoidReason.TOO_FEW_REVEALS)
        unfaithful = {*self.plan.hidden, *(self.plan.mute if reached_attest else ()), *sorted(self.plan.misled)[::2]}
        return [c for c in self.members if c.number in unfaithful]

    # ----------------------------------------------------------------- content

    def _right(self) -> NDArray[np.int32]:
        f, accepted = self.federation, [c for c in self.revealed if c.number not in self.plan.refused]
        updates = [(self.learned[client.number], client.examples) for client in accepted]
        return next_global(f.rule, f.globals[self.prior_root], updates, f.config)

    def _tree(self, values: NDArray[np.int32]) -> MemoryLeaves:
        return tree_of(values, self.federation.config.leaf_values)

    @property
    def _accepted_mask(self) -> int:
        return sum(1 << i for i, client in enumerate(self.revealed) if client.number not in self.plan.refused)

    def _opening(self, client: Client, learned: Learned) -> tuple[bytes, int, int, bytes]:
        return learned.leaves.root, learned.shift, client.examples, self.number.to_bytes(32, "big")
