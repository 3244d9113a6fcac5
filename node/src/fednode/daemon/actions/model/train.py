"""Training the node's update of a round."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.files.tree_files import save_car
from fedprotocol.journal import UpdateRecord
from fedprotocol.losses import MICRO
from fedprotocol.program.background import Body
from fedprotocol.tree import cid
from fedprotocol.types import Phase

from fednode.daemon.action_context import Tools
from fednode.daemon.actions.action import Work
from fednode.daemon.actions.content.fetch_global import FetchGlobal
from fednode.daemon.actions.model.beginning import Before, Beginning
from fednode.daemon.actions.model.model_work import ModelWork
from fednode.daemon.actions.model.noise import Noise
from fednode.daemon.facts import Facts
from fednode.daemon.snapshot_questions import expected_prior, target_round
from fednode.masking.site_journal import MaskJournal, TrainedAtHome
from fednode.site_data import train_rows
from fednode.training.at_home import bounded, keep
from fednode.training.step_files import write_steps
from fednode.training.update import make_update

if TYPE_CHECKING:
    from fednode.training import TrainResult

log = logging.getLogger("fednode")
MAX_LOSS = 2**64 - 1


@dataclass(frozen=True)
class Trained:
    """An update that lies on disk and is not committed yet, as the journal keeps it, and how its training went. Losses
    are those of the first and the last step; `clipped` counts values that did not fit the spec's bound."""

    update: UpdateRecord | TrainedAtHome
    loss_first: float
    loss_last: float
    clipped: int
    drawn: int  # rows that were used
    truncated: int  # those of them that were cut to the sequence length
    scaled: float  # factor that brought the delta within the spec's norm; 1: it was
    norm: float  # L2 of the update, in real values
    seconds: float
    made_by: int = 0  # round that made the prior, if its own prior was needed too
    not_ahead: str = ""  # why training began at the global although the spec says ahead of it


@dataclass(frozen=True)
class Train(ModelWork):
    """Train the update of `round` on the global adapter `prior_root`."""

    round: int
    prior_root: bytes
    leads_to = "commit"

    @staticmethod
    def due(chain: Snapshot, facts: Facts) -> Iterator[Work]:
        """When the round that takes commits has no update on the global that it starts from; or what is missing."""
        configured = facts.configured
        target = None if facts.failure or configured.forbidden or configured.alone else target_round(chain)
        if target is None:
            return
        prior = expected_prior(chain, facts, target)
        own = facts.remembered.updates.get(target)
        if prior is None or (own is not None and own.prior_root == prior):
            return
        if prior in facts.remembered.held():
            yield Train(target, prior)
        else:
            yield FetchGlobal(target - 1, prior)

    def describe(self) -> str:
        return f"training for round {self.round}"

    def still_wanted(self, chain: Snapshot, facts: Facts) -> bool:
        """Whether the round still takes the commit of what is trained, on the prior that it has."""
        state = chain.round(self.round)
        if state is not None and state.view.phase is not Phase.TRAIN:
            return False
        target = target_round(chain)
        prior = None if target is None else expected_prior(chain, facts, target)
        return target is None or prior is None or (target, prior) == (self.round, self.prior_root)

    def job(self, tools: Tools, chain: Snapshot, facts: Facts) -> Body:
        """Raises ModelFailure, TrainingError, DataError, StoreError, LedgerError, ChainError, Interrupted in its
        thread."""
        looks_ahead = tools.spec.training.look_ahead > 0
        before = Before.of(chain, self.round, self.time_left(chain)) if looks_ahead else None
        return lambda stop: self.train(tools, before, stop)

    def train(self, tools: Tools, before: Before | None, stop: threading.Event) -> Trained:
        """Train, ahead of the prior if there is one `before` it; write update and figures."""
        model, config = tools.model, tools.config
        noise = Noise.of(tools, self.round, self.prior_root)
        model.load(stop)
        started = time.monotonic()
        units = model.global_units(self.prior_root, stop)
        begun = before.beginning(tools, units, stop) if before is not None else Beginning()
        model.begin(units, stop)
        rows = train_rows(config)
        examples = len(model.dataset(rows))
        with noise.charged(examples):
            result = model.fit(self.round, rows, stop, begun.values, noise.steps)
        write_steps(config.metrics / f"round_{self.round}.csv", result.steps)
        kept, scaled, norm = self._keep(tools, result, examples, is_noisy=noise.steps is not None)
        return Trained(
            kept,
            loss_first=result.loss_first,
            loss_last=result.loss_last,
            clipped=kept.clipped if isinstance(kept, UpdateRecord) else 0,
            drawn=result.drawn,
            truncated=result.truncated,
            scaled=scaled,
            norm=norm,
            seconds=time.monotonic() - started,
            made_by=before.maker if before is not None else 0,
            not_ahead=begun.missing,
        )

    def _keep(
        self, tools: Tools, result: TrainResult, examples: int, is_noisy: bool
    ) -> tuple[UpdateRecord | TrainedAtHome, float, float]:
        """Write the update to the disk. Returns it, the factor that brought it within the spec's norm, and its norm."""
        config = tools.config
        if tools.spec.is_masked:
            found = bounded(result.units_delta, tools.spec)
            file = keep(found, config.updates / f"round_{self.round}-{self.prior_root.hex()[:16]}.npy")
            return TrainedAtHome(self.prior_root, examples, file), found.scaled, found.norm
        update = make_update(result.units_delta, tools.spec, config.node.seed, self.round)
        root = update.leaves.root
        path = config.updates / f"round_{self.round}-{root.hex()[:16]}.car"
        car = save_car(update.leaves, path, private=True)
        kept = UpdateRecord(
            round=self.round,
            prior_root=self.prior_root,
            root=root,
            shift=update.shift,
            examples=examples,
            salt=secrets.token_bytes(32),
            car=car,
            # a reveal publishes them, and with noise in the update they would be the only exact thing about the rows
            loss_before=0 if is_noisy else _micro(result.loss_first),
            loss_after=0 if is_noisy else _micro(result.loss_last),
            clipped=update.clipped,
        )
        return kept, update.scaled, update.norm

    def ended(self, tools: Tools, result: Trained, chain: Snapshot) -> None:
        if isinstance(result.update, TrainedAtHome):
            MaskJournal(tools.journal).note_trained(self.round, result.update)
        else:
            tools.journal.save_update(result.update)
        tools.memory.note_trained(self.round, result.seconds)
        if result.made_by and not tools.memory.keeps(result.made_by):  # else its prior would stay pinned
            tools.memory.note_fetched(result.made_by, self.prior_root)
        if result.not_ahead:
            tools.report(
                f"round {self.round}: trained from the global itself, not ahead of it as training.look_ahead says, "
                f"because the global before is not to be had: {result.not_ahead}. The update counts all the same",
                self,
                self.round,
            )
        _tell(self.round, result, tools.spec.bounds.max_norm)


def _tell(number: int, trained: Trained, max_norm: float) -> None:
    """Log how a training went, and report what a person should look at."""
    update = trained.update
    log.info(
        "round %d: trained in %.0f s, loss %.3f -> %.3f, norm %.3g of at most %.3g, update %s",
        number,
        trained.seconds,
        trained.loss_first,
        trained.loss_last,
        trained.norm,
        max_norm,
        cid(update.root) if isinstance(update, UpdateRecord) else "not masked yet",
    )
    if trained.truncated:
        log.warning(
            "round %d: %d of the %d rows that were drawn are longer than the spec's sequence length and were cut",
            number,
            trained.truncated,
            trained.drawn,
        )
    if trained.clipped:
        log.warning("round %d: %d values were clipped to the spec's bound", number, trained.clipped)
    if trained.scaled < 1:
        log.warning("round %d: the delta was scaled by %.3f to the spec's norm", number, trained.scaled)


def _micro(loss: float) -> int:
    return min(MAX_LOSS, max(0, round(loss * MICRO)))
