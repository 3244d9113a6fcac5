"""Differential privacy in a round: refused before it costs anything, charged before anything leaves, and looked at once
more when it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fedprotocol.journal import UpdateRecord
from fedprotocol.spec import Spec

from fednode.config import NodeConfig, PrivacyConfig
from fednode.daemon.action_context import Tools
from fednode.differential_privacy.accountant import Cost
from fednode.differential_privacy.budget import (
    NotPrivate,
    charge,
    cost_of_round,
    federation_of,
    require_budget,
    settings_for,
    steps_of,
)
from fednode.differential_privacy.ledger import Entry, Ledger
from fednode.training.types import PrivateSteps, TrainingError


@dataclass(frozen=True)
class Noise:
    """The noise of one round's training at this site, and what it costs. `steps` is None where the site trains without
    noise, and then nothing is charged."""

    config: NodeConfig
    settings: PrivacyConfig | None
    cost: Cost | None
    round: int
    prior_root: bytes

    @classmethod
    def of(cls, tools: Tools, round: int, prior_root: bytes) -> Noise:
        """Raises NotPrivate if the spec demands more than the site does or delta is too large, BudgetSpent if the
        budget does not pay for this round, LedgerError."""
        settings = settings_for(tools.config, tools.spec)
        if settings is None:
            return cls(tools.config, None, None, round, prior_root)
        rows = len(tools.model.dataset(tools.config.data.train))
        cost = cost_of_round(settings, tools.spec, rows)
        require_budget(settings, Ledger(tools.config.privacy_ledger).entries(), cost)
        return cls(tools.config, settings, cost, round, prior_root)

    @property
    def steps(self) -> PrivateSteps | None:
        return None if self.settings is None else steps_of(self.settings)

    @contextmanager
    def charged(self, rows: int) -> Iterator[None]:
        """Around the training on `rows` rows: write its cost into the ledger when it ends, also if the result is no
        update, because that shows too. What is stopped on the way leaves nothing, and costs nothing."""
        try:
            yield
        except TrainingError:
            self._charge(rows)
            raise
        self._charge(rows)

    def _charge(self, rows: int) -> None:
        if self.settings is not None and self.cost is not None:
            charge(self.config, self.settings, self.cost, self.round, self.prior_root, rows)


def cost_of_update(config: NodeConfig, update: UpdateRecord) -> Entry | None:
    """The ledger's newest entry of the training that made `update`; None if it was trained without noise. Raises
    LedgerError."""
    if update.loss_before or update.loss_after:
        return None  # training with noise tells no losses
    made_by = (federation_of(config), update.round, update.prior_root)
    found = [e for e in Ledger(config.privacy_ledger).entries() if (e.federation, e.round, e.prior_root) == made_by]
    return found[-1] if found else None


def require_noise(config: NodeConfig, spec: Spec, noise: float) -> None:
    """Raise NotPrivate if an update that was trained with the multiplier `noise` has less than the config or the spec
    asks for: one of them was changed, or [privacy] was added, after it was trained."""
    wanted = max(
        config.privacy.noise if config.privacy is not None else 0.0,
        spec.privacy.noise if spec.privacy is not None else 0.0,
    )
    if noise < wanted:
        has = f"with noise of {noise:g}" if noise else "without noise"
        raise NotPrivate(
            f"the update was trained {has}, and noise of at least {wanted:g} is asked for now: it does not leave, "
            "which costs the penalty; the next round is trained as the config says now"
        )
