"""The model of a session and its tokenizer, for commands that use them once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fednode.session import Session

if TYPE_CHECKING:
    from fednode.data.encode import Encoder
    from fednode.training import AdapterModel


def locate_here(session: Session) -> Path:
    """The base model's folder if it needs no download. Raises BaseModelMissing."""
    from fednode.base_model import locate

    source, ref = session.config.model.source, session.spec.base_model
    return locate(source or ref.id, None if source else ref.revision, fetch=False)


def load_encoder(session: Session) -> Encoder:
    """The spec's tokenizer and template, if the base model needs no download.

    Raises FedError if they are not on this machine, or it is another tokenizer.
    """
    from fednode.base_model import check_tokenizer, load_tokenizer
    from fednode.data.encode import load_encoder as load

    folder = locate_here(session)
    check_tokenizer(session.spec.base_model, load_tokenizer(folder), folder)
    return load(session.spec, folder)


def load_model(session: Session) -> AdapterModel:
    """The model of the session. Raises the errors of `AdapterModel.load`."""
    from fednode.training import AdapterModel

    settings = session.config.model
    return AdapterModel.load(session.spec, settings.source, settings.device, settings.threads)
