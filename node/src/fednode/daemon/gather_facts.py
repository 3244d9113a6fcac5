"""What the node knows besides the chain, gathered for one decision."""

from __future__ import annotations

from fedaggregator.compute.unseen import stands_unseen
from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.peers.announcement import wanted
from fedprotocol.types import ZERO

from fednode.config import NodeConfig
from fednode.daemon.action_context import Tools
from fednode.daemon.actions.chain.commitment import commitment_hash
from fednode.daemon.actions.chain.top_up import topped_up
from fednode.daemon.facts import Configured, MaskStep, OwnUpdate, Remembered
from fednode.masking.site_journal import MaskedRound, MaskJournal
from fednode.stake import wanted_stake


def configured(config: NodeConfig, chain: Snapshot, amounts: Amounts, forbidden: str, alone: str = "") -> Configured:
    """The part of the node's configuration that matters for decisions. `forbidden`: see `policy_now`; `alone`: see
    `peers_now`."""
    return Configured(
        has_test=config.data.has_test,
        solo=config.solo.enabled,
        solo_test=config.has_solo_test,
        auto_claim=config.node.claim,
        wanted_stake=wanted_stake(config.node, chain.config, amounts).stake,
        top_up=amounts.units(config.node.top_up),
        keep_rounds=config.node.keep_rounds,
        propose_after=config.node.propose_after,
        challenge_after=config.node.challenge_after,
        attest_margin=min(config.node.attest_margin, chain.config.attest_length // 4),
        announcement=wanted(config),
        amounts=amounts,
        forbidden=forbidden,
        alone=alone,
    )


def remembered(tools: Tools, chain: Snapshot) -> Remembered:
    """What journal and memory say about the rounds in the snapshot, as far as it is still true. Raises JournalError."""
    memory = tools.memory
    recomputed, garbage = memory.recomputed(chain), memory.garbage_in(chain)
    return Remembered(
        updates=_own_masked(tools, chain) if chain.config.is_masked else _own_updates(tools, chain),
        checked=memory.checked,
        recomputed=recomputed,
        merged={number: frozenset(merges.values()) for number, merges in memory.merged.items()},
        fetched=memory.fetched,
        verdicts=memory.verdicts_by(recomputed),
        cases=memory.open_cases(chain),
        garbage=garbage,
        impeachable=frozenset(memory.impeachments) & garbage,
        unseen=frozenset(
            state.number
            for state in chain.rounds
            if stands_unseen(tools.coordinator, state, recomputed.get(state.number))
        ),
        proposed=frozenset(memory.proposed),
        penalties=memory.penalties,
        topped_up=topped_up(tools.journal) if tools.config.node.top_up else {},
        has_bounty=memory.has_bounty,
        trained=frozenset(memory.trained),
        evaluated=memory.evaluated,
        solo_trained=frozenset(memory.solo_trained),
        solo_evaluated=frozenset(memory.solo_evaluated),
        unerased=frozenset(MaskJournal(tools.journal).unerased()) if chain.config.is_masked else frozenset(),
        announced=memory.announced,
        train_seconds=memory.train_seconds,
    )


def _open_to_us(chain: Snapshot) -> set[int]:
    return {state.number for state in chain.rounds} | {chain.last_opened + 1}


def _own_updates(tools: Tools, chain: Snapshot) -> dict[int, OwnUpdate]:
    own = {}
    for number in _open_to_us(chain):
        records = tools.journal.updates(number)
        if records:
            hashes = [commitment_hash(tools.coordinator, tools.sender.address, entry) for entry in records]
            own[number] = OwnUpdate(records[0].prior_root, records[0].root, hashes[0], frozenset(hashes))
    return own


def _own_masked(tools: Tools, chain: Snapshot) -> dict[int, OwnUpdate]:
    journal, own = MaskJournal(tools.journal), {}
    for number in _open_to_us(chain):
        known = journal.of(number)
        if known.trained is None:
            continue
        record = tools.journal.update(number)
        keys = [key for key in known.keys if key.secret]
        of_prior = [key.public for key in keys if key.prior_root == known.trained.prior_root]
        own[number] = OwnUpdate(
            known.trained.prior_root,
            ZERO if record is None else record.root,
            of_prior[0] if of_prior else b"",
            frozenset(key.public for key in keys),
            _step(known, is_masked=record is not None),
        )
    return own


def _step(known: MaskedRound, is_masked: bool) -> MaskStep:
    if known.fixed is None:
        return MaskStep.TRAINED
    if not is_masked:
        return MaskStep.FIXED
    return MaskStep.SERVED if known.served else MaskStep.MASKED
