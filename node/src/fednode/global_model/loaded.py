"""The model of a session, for the commands that use it once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fedprotocol.program.slow_work import told_if_slow

from fednode.session import Session

if TYPE_CHECKING:
    from fednode.training import AdapterModel


def load_model(session: Session) -> AdapterModel:
    """The model of the session. Raises the errors of `AdapterModel.load`."""
    with told_if_slow("loading libraries and the base model"):
        from fednode.training import AdapterModel

        settings = session.config.model
        return AdapterModel.load(session.spec, settings.source, settings.device, settings.threads)


def base_folder(session: Session) -> Path:
    """The folder of the base model, not compared with the spec yet. Raises BaseModelMissing, BaseModelPartial,
    BaseModelError."""
    with told_if_slow("finding the base model"):
        from fednode.base_model import locate

        source, base = session.config.model.source, session.spec.base_model
        return locate(source or base.id, None if source else base.revision)
