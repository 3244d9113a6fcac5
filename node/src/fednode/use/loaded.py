"""The model of a session, for the commands that use it once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fednode.session import Session

if TYPE_CHECKING:
    from fednode.training import AdapterModel


def load_model(session: Session) -> AdapterModel:
    """Raises what `AdapterModel.load` raises."""
    from fednode.training import AdapterModel

    settings = session.config.model
    return AdapterModel.load(session.spec, settings.source, settings.device, settings.threads)
