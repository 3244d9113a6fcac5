"""A new federation's document and its global 0: what `fednode spec new` makes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fedaggregator.rules import RuleError, rule_named, rule_of_spec
from fedprotocol.base_model import BaseModelRef
from fedprotocol.car import Leaves
from fedprotocol.errors import FedError, refusals_told
from fedprotocol.files.text import without_bom
from fedprotocol.files.tree_files import open_car, save_car
from fedprotocol.files.whole import write_whole
from fedprotocol.masks.document import MASKED_RULE
from fedprotocol.spec import (
    MAX_SPEC_BYTES,
    Decisions,
    Layout,
    Prompt,
    Spec,
    Tensor,
    dump_spec,
    load_spec,
    spec_digest,
)
from fedprotocol.store.base import Store
from fedprotocol.strict import Name
from numpy.typing import NDArray
from pydantic import Field, field_validator

from fednode.sponsor.bounds import ChosenBounds, bounds_of, largest_value, require_bound
from fednode.sponsor.leaf_size import leaf_values_for
from fednode.sponsor.masking_range import masking_for

if TYPE_CHECKING:
    from fednode.training.genesis import NewAdapter

SPEC_FILE = "spec.json"
GENESIS_FILE = "genesis.car"


class SpecFolderError(FedError):
    """The folder of a new federation cannot be written or read."""


class Choices(Decisions):
    """The decisions that go into a spec as they are, and those that its other fields are made of: the base model's
    `base_model` and `revision` on the hub, `bounds`, the layout's `leaf_values` (by default what suits the adapter's
    size) and `mantissa_bits`, and the `seed` of the adapter's first values. With the rule of masked federations, the
    range of masked values follows too."""

    base_model: Name
    revision: Name | None
    bounds: ChosenBounds = ChosenBounds()
    leaf_values: int | None = None
    mantissa_bits: int
    seed: Annotated[int, Field(ge=0, lt=1 << 63)]  # as torch takes it

    @field_validator("rule")
    @classmethod
    def _known(cls, rule: str) -> str:
        try:
            return rule_named(rule).name
        except RuleError as error:
            raise ValueError(str(error)) from None


@dataclass(frozen=True)
class NewFederation:
    """`document`: the spec's bytes as they are published; `genesis`: global 0."""

    spec: Spec
    document: bytes
    genesis: Leaves

    @property
    def digest(self) -> bytes:
        """The two digests with which the contract is deployed."""
        return spec_digest(self.document)


@dataclass(frozen=True)
class Start:
    """What a new federation goes on from: the base model, the layout's tensors in order, and global 0's values, int32
    [value_count], units of 2^-24."""

    base: BaseModelRef
    tensors: tuple[Tensor, ...]
    units: NDArray[np.int32]


def make(choices: Choices, source: str | None = None, start: Start | None = None) -> NewFederation:
    """Build the adapter's layout on the base model at `source` (default: the hub id). Its first values are those of
    `start`, or new ones.

    The revision of a model from the hub is pinned to the commit it is now.

    Raises TrainingError (an optimiser that nodes do not take), NoBound (see `fednode.sponsor.bounds`),
    BaseModelError, BaseModelMismatch (another model than that of `start`), EncodingError (tokenizer, template,
    classes), LayoutMismatch, SpecError (a document that nodes
    would not take), pydantic's ValidationError for a layout or bounds out of range. Whether the model trains is
    `fednode.sponsor.trial`'s.
    """
    rule = rule_named(choices.rule)
    from fednode.base_model import locate
    from fednode.data.encode import load_encoder
    from fednode.training import new_adapter
    from fednode.training.optimizers import require_optimizer

    require_optimizer(choices.training.optimizer)
    require_bound(choices.bounds, choices.training)
    folder = locate(source or choices.base_model, None if source else choices.revision)
    choices = choices.model_copy(update={"prompt": _pinned(choices.prompt, folder)})
    load_encoder(choices, folder)
    adapter = new_adapter(
        choices.lora,
        str(folder),
        choices.seed,
        sequence_length=choices.training.sequence_length,
        texts=_texts(choices),
    )
    if start is not None:
        _require_same(start, adapter, folder)
    units = adapter.units if start is None else start.units
    bits = choices.mantissa_bits
    layout = Layout.model_validate(
        {
            "tensors": adapter.tensors,
            "leaf_values": choices.leaf_values or leaf_values_for(units.size, rule, bits),
            "mantissa_bits": bits,
            "parts": rule.parts,
        }
    )
    revision = choices.revision if source else adapter.commit or choices.revision
    genesis = layout.at_genesis(units)
    reached = (choices.training, choices.lora, layout, choices.server_lr, units)
    bounds = bounds_of(choices.bounds, *reached)
    masked = choices.rule == MASKED_RULE
    masking: dict[str, Any] = {"masking": masking_for(largest_value(bounds.max_norm, *reached))} if masked else {}
    spec = Spec(
        version=1,
        base_model=adapter.base.named(choices.base_model, revision),
        layout=layout,
        bounds=bounds,
        genesis_root="0x" + genesis.root.hex(),
        **masking,
        **{name: chosen for name in Decisions.model_fields if (chosen := getattr(choices, name)) is not None},
    )
    document = dump_spec(spec)
    return NewFederation(load_spec(document), document, genesis)


def _pinned(prompt: Prompt, folder: Path) -> Prompt:
    """The prompt with the digest of the base model's chat template, if it is that one and not pinned yet."""
    if not prompt.is_chat or prompt.chat_template is not None:
        return prompt
    from fednode.base_model import load_tokenizer
    from fednode.base_model.chat_template import chat_template_of, digest_of

    return prompt.model_copy(update={"chat_template": digest_of(chat_template_of(load_tokenizer(folder)))})


def _require_same(start: Start, adapter: NewAdapter, folder: Path) -> None:
    """Raise BaseModelMismatch or LayoutMismatch unless the values of `start` mean the same on this model. The template
    and the classes may be others than the old ones."""
    from fednode.base_model import check_model
    from fednode.training import LayoutMismatch

    check_model(start.base, folder)
    if adapter.tensors != start.tensors:
        raise LayoutMismatch("the adapter has other tensors than the one to go on from")


def require_free(folder: Path) -> None:
    """Raise SpecFolderError if `save` could not write to `folder`, or would replace a file there."""
    for name in (SPEC_FILE, GENESIS_FILE):
        if (folder / name).exists():
            raise SpecFolderError(f"{folder / name} exists and is not overwritten: choose another folder")
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise SpecFolderError(f"{folder} cannot be written to: {there} is no folder that you may write to")


def _texts(choices: Choices) -> list[str]:
    """What stands in every row: the template around the prompt, and the classes as they stand behind it."""
    join, template = choices.prompt.join or "", choices.prompt.template
    around = [] if choices.prompt.is_chat else template.split("{prompt}")
    return [*around, *(join + name for name in choices.evaluation.classes or ())]


def save(federation: NewFederation, folder: Path) -> None:
    """Write spec.json and genesis.car. Raises SpecFolderError rather than replace either."""
    require_free(folder)
    save_car(federation.genesis, folder / GENESIS_FILE)
    write_whole(folder / SPEC_FILE, federation.document)


def load(path: Path) -> NewFederation:
    """Read what `save` wrote, verified as a node verifies it. `path`: the folder, or the document in it.

    Raises SpecFolderError, SpecError, SpecMismatch (leaves of another number than the rule's), RuleError, CarError.
    """
    file = path / SPEC_FILE if path.is_dir() else path
    try:
        with file.open("rb") as opened:
            document = without_bom(opened.read(MAX_SPEC_BYTES + 1))
    except OSError as error:
        raise SpecFolderError(f"{file} cannot be read ({error.strerror}); `fednode spec new` writes one") from error
    spec = load_spec(document)
    rule_of_spec(spec)
    car = file.with_name(GENESIS_FILE)
    if not car.is_file():
        raise SpecFolderError(
            f"there is no {car}, the adapter that training begins with: `fednode spec new` wrote it beside {file.name}"
        )
    with refusals_told():
        genesis = open_car(car, bytes.fromhex(spec.genesis_root[2:]), spec.layout.global_shape)
    return NewFederation(spec, document, genesis)


def publish(federation: NewFederation, store: Store) -> None:
    """Put document and global 0 into a store. Raises Unavailable."""
    store.put_block(federation.document)
    store.put(federation.genesis)
