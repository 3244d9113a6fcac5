"""What follows from work that ended in the background: journal, metrics, and a line in the log."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any

from fedaggregator.disputes.convict import Move
from fedaggregator.disputes.judge import Claim, Wrong, alarm, judge
from fedaggregator.disputes.judge import Verdict as ProposalVerdict
from fedprotocol import metrics
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.journal import Journal, UpdateRecord
from fedprotocol.program.background import Outcome
from fedprotocol.spec import Spec
from fedprotocol.tree import cid

from fednode.config import NodeConfig
from fednode.daemon import actions as do
from fednode.daemon.facts import Verdict
from fednode.daemon.fetching import Built, Finding
from fednode.daemon.metrics import record
from fednode.daemon.model_work import Trained
from fednode.daemon.remembered import Found, Memory

log = logging.getLogger("fednode")
MICRO = 1_000_000  # the chain's unit of a loss
MAX_LOSS = 2**64 - 1


class Outcomes:
    """Applies results; every method is called in the loop's thread."""

    def __init__(self, config: NodeConfig, spec: Spec, journal: Journal, memory: Memory) -> None:
        self._config = config
        self._spec = spec
        self._journal = journal
        self._memory = memory

    def apply(self, outcome: Outcome[do.Work], chain: Snapshot) -> None:
        """`outcome` ended well."""
        work, result = outcome.work, outcome.result
        match work:
            case do.Train():
                self._trained(result)
            case do.Evaluate():
                self._evaluated(work, result)
            case do.TrainSolo():
                self._memory.note_solo_trained(work.round)
                log.info("round %d: the site's own model is trained as far", work.round)
            case do.EvaluateSolo():
                self._solo_evaluated(work, result)
            case do.Recompute():
                self._recomputed(work, result, chain)
            case do.FetchGlobal():
                self._memory.note_fetched(work.round, work.root)
                log.info("round %d: fetched its global %s", work.round, cid(work.root))
            case do.JudgeProposal():
                self._judged(work, result)
            case do.BuildCase():
                self._built(work, result)
            case do.Release():
                self._released(work.round)
            case do.CheckInputs():
                pass  # findings were told one by one

    def found(self, action: do.CheckInputs, finding: Finding, chain: Snapshot) -> None:
        """One verdict on one update."""
        checked = self._memory.checked.get(action.round)
        known = checked.verdicts if checked is not None and checked.inputs_hash == action.inputs_hash else {}
        if known.get(finding.index) == finding.verdict:
            return
        self._memory.note_verdict(action.round, action.inputs_hash, finding.index, finding.verdict)
        state = chain.round(action.round)
        if state is None or finding.index >= len(state.updates):
            return
        update = state.updates[finding.index]
        if finding.verdict is Verdict.GOOD:
            log.info("round %d: update %d of %s checked and pinned", action.round, finding.index, update.client)
        else:
            log.warning(
                "round %d: update %d of %s, root %s, is %s: %s",
                action.round,
                finding.index,
                update.client,
                cid(update.root),
                finding.verdict.value,
                finding.why,
            )

    def _trained(self, trained: Trained) -> None:
        self._journal.save_update(
            UpdateRecord(
                round=trained.round,
                prior_root=trained.prior_root,
                root=trained.root,
                shift=trained.shift,
                examples=trained.examples,
                salt=trained.salt,
                car=trained.car,
                loss_before=_micro(trained.loss_before),
                loss_after=_micro(trained.loss_after),
                clipped=trained.clipped,
            )
        )
        self._memory.note_trained(trained.round, trained.seconds)
        log.info(
            "round %d: trained in %.0f s, loss %.3f -> %.3f, norm %.3g of at most %.3g, update %s",
            trained.round,
            trained.seconds,
            trained.loss_before,
            trained.loss_after,
            trained.norm,
            self._spec.bounds.max_norm,
            cid(trained.root),
        )
        if trained.truncated:
            log.warning(
                "round %d: %d of the %d rows that were drawn are longer than the spec's sequence length and were cut",
                trained.round,
                trained.truncated,
                trained.drawn,
            )
        if trained.clipped:
            log.warning("round %d: %d values were clipped to the spec's bound", trained.round, trained.clipped)
        if trained.scaled < 1:
            log.warning("round %d: the delta was scaled by %.3f to the spec's norm", trained.round, trained.scaled)

    def _released(self, number: int) -> None:
        for update in self._journal.updates(number):
            update.car.unlink(missing_ok=True)
            update.car.with_name(update.car.name + ".idx").unlink(missing_ok=True)
        self._memory.note_released(number)
        log.info("round %d: its updates and its prior are no longer kept here", number)

    def _recomputed(self, work: do.Recompute, root: bytes, chain: Snapshot) -> None:
        self._memory.note_recomputed(work.round, work.inputs, root)
        metrics.RECOMPUTATIONS.inc()
        log.info("round %d: computed the aggregate from verified copies of all updates: %s", work.round, cid(root))
        state = chain.round(work.round)
        if state is None or state.view.inputs != work.inputs:
            return
        final = Claim(state.view.global_root)
        if final.root != bytes(32) and isinstance(judge(final, root), Wrong):
            metrics.MISMATCHES.inc()
            log.error(
                "round %d: THE FINAL GLOBAL IS WRONG: the chain has %s, the accepted updates give %s",
                work.round,
                cid(state.view.global_root),
                cid(root),
            )

    def _judged(self, work: do.JudgeProposal, verdict: ProposalVerdict) -> None:
        if not isinstance(verdict, Wrong):
            self._memory.note_judged(work.round, work.root, Found(work.own_root))
            log.info("round %d: the proposal of %s equals the aggregate computed here", work.round, work.proposer)
            return
        text = alarm(work.round, work.proposer, work.root, verdict)
        known = self._memory.findings.get((work.round, work.root))
        if known is None or known.text != text:
            log.error("%s", text)
            metrics.MISMATCHES.inc()
        leaf = verdict.first.leaf if verdict.first is not None else None
        self._memory.note_judged(work.round, work.root, Found(work.own_root, text, leaf))

    def _built(self, work: do.BuildCase, built: Built | None) -> None:
        if built is None:
            log.info("round %d: %s is not live any more", work.round, cid(work.root))
            return
        self._memory.cases[work.round, work.root] = built.case
        log.info("round %d: case against %s, %s", work.round, cid(work.root), built.costs)

    def challenged(self, action: do.Challenge, move: Move) -> None:
        """A call of a case was sent, or there was none to send any more."""
        if move is Move.CARRIED:
            return
        self._memory.cases.pop((action.round, action.root), None)
        if move is Move.CONVICTED:
            self._memory.note_bounty(True)
            log.info("round %d: CONVICTED %s", action.round, cid(action.root))
        else:
            log.info("round %d: %s is not live any more", action.round, cid(action.root))

    def _evaluated(self, work: do.Evaluate, score: Any) -> None:
        entry = {
            "round": work.round,
            "prior_root": None if work.round == 0 else self._prior(work.round),
            "global_root": "0x" + work.root.hex(),
            "cid": cid(work.root),
            "recomputed": work.root in self._memory.merged.get(work.round, {}).values(),
            **asdict(score),
            "update_bytes": self._update_bytes(work.round),
        }
        record(self._config.metrics / "rounds.jsonl", entry)
        self._memory.note_evaluated(work.round, work.root)
        if work.round == max(self._memory.evaluated):
            metrics.GLOBAL_LOSS.set(score.loss)
        log.info("round %d: the global scores %s", work.round, said(score))

    def _solo_evaluated(self, work: do.EvaluateSolo, score: Any) -> None:
        entry = {"round": work.round, "rounds_trained": len(self._memory.solo_trained), **asdict(score)}
        record(self._config.metrics / "solo.jsonl", entry)
        self._memory.note_solo_evaluated(work.round)
        log.info("the site's own model scores %s", said(score))

    def _prior(self, number: int) -> str | None:
        update = self._journal.update(number)
        return None if update is None else "0x" + update.prior_root.hex()

    def _update_bytes(self, number: int) -> int:
        update = self._journal.update(number)
        return update.car.stat().st_size if update is not None and update.car.is_file() else 0


def said(score: Any) -> str:
    """An evaluation in words."""
    accuracy = "" if score.accuracy is None else f", accuracy {100 * score.accuracy:.1f} %"
    return f"loss {score.loss:.3f}{accuracy} on {score.items} items"


def _micro(loss: float) -> int:
    return min(MAX_LOSS, max(0, round(loss * MICRO)))
