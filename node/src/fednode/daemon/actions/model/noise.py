"""Differential privacy in a round's training: refused before it costs anything, charged before anything leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fednode.config import NodeConfig, PrivacyConfig
from fednode.daemon.action_context import Tools
from fednode.differential_privacy.accountant import Cost
from fednode.differential_privacy.budget import charge, cost_of_round, require_budget, settings_for, steps_of
from fednode.differential_privacy.ledger import Ledger
from fednode.site_data import train_rows
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
        rows = len(tools.model.dataset(train_rows(tools.config)))
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
