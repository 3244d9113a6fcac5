"""Whether a model is the one that a spec names: the same weights, computed in the same way, on the same tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedprotocol.base_model import BaseModelRef, Setting, TokenizerRef

from fednode.base_model.digest import weights_digest
from fednode.base_model.errors import BaseModelError, BaseModelMismatch
from fednode.base_model.foreign_errors import AGAIN, told_as
from fednode.base_model.settings import defaults_of, setting_differences, settings_of
from fednode.base_model.skeleton import load_config
from fednode.base_model.tokenizer import describe, load_tokenizer, tokenizer_differences

_MOST = 4  # how many differences a message names


@dataclass(frozen=True)
class Identity:
    """What a spec fixes about a model (`fedprotocol.base_model`)."""

    digest: str
    config: dict[str, Setting]
    tokenizer: TokenizerRef

    def named(self, name: str, revision: str | None) -> BaseModelRef:
        """The identity in the form of a spec."""
        return BaseModelRef(
            id=name, revision=revision, digest=self.digest, config=self.config, tokenizer=self.tokenizer
        )


def identity_of(folder: Path, texts: Iterable[str] = ()) -> Identity:
    """The identity of the model in `folder`. `texts`: texts of the federation, which its tokenizer must turn into the
    same tokens everywhere.

    Raises BaseModelMissing, BaseModelError.
    """
    config, tokenizer = _settings(folder)[0], describe(load_tokenizer(folder), texts)
    return Identity(weights_digest(folder), config, tokenizer)


def check_model(ref: BaseModelRef, folder: Path) -> None:
    """Raise BaseModelMismatch, which names the differences, unless the model in `folder` is the spec's.

    The weights are read last, and only if nothing else differs. Raises BaseModelMissing, BaseModelError.
    """
    _refuse(ref, folder, setting_differences(ref.config, *_settings(folder)))
    check_tokenizer(ref, load_tokenizer(folder), folder)
    digest = weights_digest(folder)
    if digest != ref.digest:
        _refuse(ref, folder, [f"its weights have the digest {digest}, the spec's {ref.digest}"])


def check_tokenizer(ref: BaseModelRef, tokenizer: Any, folder: Path) -> None:
    """The same check for the tokenizer alone."""
    with told_as(BaseModelError, f"{folder}: its tokenizer cannot be used", AGAIN):
        _refuse(ref, folder, tokenizer_differences(ref.tokenizer, tokenizer))


def _settings(folder: Path) -> tuple[dict[str, Setting], dict[str, Setting]]:
    """The settings of the model, and the defaults of its class."""
    config = load_config(folder)
    with told_as(BaseModelError, f"{folder}: its config cannot be read", AGAIN):
        return settings_of(config), defaults_of(config)


def _refuse(ref: BaseModelRef, folder: Path, differences: Iterable[str] | Iterator[str]) -> None:
    found: Sequence[str] = list(differences)
    if not found:
        return
    more = f"; and {len(found) - _MOST} more" if len(found) > _MOST else ""
    raise BaseModelMismatch(
        f"{folder} is not the base model that the federation trains, {ref.id}: {'; '.join(found[:_MOST])}{more}. "
        "Give the right model as [model] source"
    )
