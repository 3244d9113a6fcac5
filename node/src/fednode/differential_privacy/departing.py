"""The last look at an update before it leaves: what it cost in privacy, and whether it has the noise that is
asked for."""

from __future__ import annotations

from fedprotocol.journal import UpdateRecord
from fedprotocol.losses import told
from fedprotocol.spec import Spec

from fednode.config import NodeConfig
from fednode.differential_privacy.budget import NotPrivate, federation_of
from fednode.differential_privacy.ledger import Entry, Ledger


def cost_of_update(config: NodeConfig, update: UpdateRecord) -> Entry | None:
    """The ledger's newest entry of the training that made `update`; None if it was trained without noise. Raises
    LedgerError."""
    if told(update.loss_before, update.loss_after):
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
