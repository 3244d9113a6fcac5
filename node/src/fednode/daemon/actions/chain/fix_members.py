"""Fixing the members of a masked round: the set that masks are made for, read once it can no longer change."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from fedprotocol.chain.read.signed_commits import StandingCommits, standing_commits
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.masks.transcript import transcript
from fedprotocol.types import Phase

from fednode.daemon.action_context import Tools
from fednode.daemon.actions.action import ChainAction, TooEarly
from fednode.daemon.earlier_sets import Unsafe, require_same_set
from fednode.daemon.facts import Facts, MaskStep
from fednode.daemon.final_block import final_block, state_at
from fednode.daemon.snapshot_questions import masked_to, owes_reveal
from fednode.masking.members import too_few_peers
from fednode.masking.site_journal import FixedSet, MaskJournal
from fednode.policy.verdict import missing_peers
from fednode.site_policy import head_in, site_policy

log = logging.getLogger("fednode")


@dataclass(frozen=True)
class FixMembers(ChainAction):
    """Read who takes part and with which key, judge it, and write it down. It sends nothing."""

    round: int
    is_owed = True
    keeps_node_running = True

    @staticmethod
    def due(chain: Snapshot, facts: Facts) -> Iterator[FixMembers]:
        """When Reveal has begun, and this account's key of the round is in the journal."""
        for state, own in masked_to(chain, facts, MaskStep.TRAINED):
            if owes_reveal(state) and state.my_commitment and state.my_commitment.hash in own.revealable:
                yield FixMembers(state.number)

    def describe(self) -> str:
        return f"fixing the members of round {self.round}"

    def send(self, tools: Tools, chain: Snapshot, facts: Facts) -> None:
        """However little time is left, it waits until the set is final. Raises Unsafe, NotSigned, CommitsHidden,
        MasksError, AnotherSet, PolicyError, LogError."""
        block = final_block(tools)
        view = tools.coordinator.round_view(self.round, state_at(block))
        if view.phase < Phase.REVEAL:
            raise TooEarly(f"{tools.config.chain.confirmations} blocks on top of the end of round {self.round}'s Train")
        journal, account = MaskJournal(tools.journal), str(tools.sender.address)
        private = tools.config.private
        if private is None:
            raise Unsafe("this federation masks updates: name peers of this site in [private]")
        allowance = site_policy(tools.config, chain.config, account, head_in(tools.journal)).allowance
        named = {*private.peers, *(() if allowance is None else allowance.peers)} - {account}
        found = standing_commits(tools.coordinator, tools.events, self.round, view.prior_root, named, block)
        trained = journal.trained(self.round)
        own = [key for key in journal.keys(self.round) if key.public == found.hashes.get(account) and key.secret]
        if not own or trained is None or trained.prior_root != view.prior_root:
            raise Unsafe("the journal has no key, or no training, for the commit of this account that the chain shows")
        proved = found.hashes.keys() - found.unproved.keys()
        why = too_few_peers(private.peers, private.at_least, account, proved)
        if not why and allowance is not None:
            why = missing_peers(allowance, account, proved)
        if why:
            raise Unsafe(f"round {self.round}: {why}{_because(found)}")
        require_same_set(tools, self.round, view.prior_root, found.hashes)
        bound = transcript(chain.chain_id, tools.coordinator.address, self.round, view.prior_root, found.hashes)
        journal.fix(self.round, FixedSet(view.prior_root, bound, found.hashes))
        log.info("round %d: masks are for these %d members: %s", self.round, len(found.hashes), ", ".join(found.hashes))


def _because(found: StandingCommits) -> str:
    return "".join(f"; {account}: {why}" for account, why in sorted(found.unproved.items()))
