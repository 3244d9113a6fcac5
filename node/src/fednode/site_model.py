"""The base model that a config names, as far as it needs no download, and its tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fedprotocol.spec import Spec

    from fednode.config import ModelConfig
    from fednode.data.encode import Encoder


def locate_here(settings: ModelConfig, spec: Spec) -> Path:
    """The base model's folder if it needs no download. Raises BaseModelMissing."""
    from fednode.base_model import locate

    source, ref = settings.source, spec.base_model
    return locate(source or ref.id, None if source else ref.revision, fetch=False)


def load_encoder(settings: ModelConfig, spec: Spec) -> Encoder:
    """The spec's tokenizer and template, if the base model needs no download.

    Raises FedError: they are not on this machine, or it is another tokenizer.
    """
    from fednode.base_model import check_tokenizer, load_tokenizer
    from fednode.data.encode import load_encoder as load

    folder = locate_here(settings, spec)
    check_tokenizer(spec.base_model, load_tokenizer(folder), folder)
    return load(spec, folder)
