"""A new federation's document and its global 0: what `fednode spec new` makes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fedaggregator.rules import rule_named
from fedprotocol.car import Leaves, MemoryLeaves
from fedprotocol.errors import FedError
from fedprotocol.numbers import split_leaves
from fedprotocol.spec import (
    Evaluation,
    Layout,
    Lora,
    Prompt,
    Quantization,
    Spec,
    Training,
    dump_spec,
    load_spec,
    spec_digest,
)
from fedprotocol.store.base import Store
from fedprotocol.strict import Name
from pydantic import BaseModel, ConfigDict

from fednode.bounds import ChosenBounds, bounds_of, require_bound
from fednode.trees import open_car, save_car

SPEC_FILE = "spec.json"
GENESIS_FILE = "genesis.car"


class SpecFolderError(FedError):
    """The folder of a new federation cannot be written or read."""


class Choices(BaseModel):
    """What a sponsor decides; the rest follows from that and the base model. `server_lr`: unit 2^-16."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    base_model: Name
    revision: Name | None
    lora: Lora
    quantization: Quantization
    prompt: Prompt
    training: Training
    evaluation: Evaluation
    bounds: ChosenBounds = ChosenBounds()
    leaf_values: int
    mantissa_bits: int
    rule: str
    server_lr: int
    seed: int


@dataclass(frozen=True)
class NewFederation:
    """`document`: the spec's bytes as they are published; `genesis`: global 0."""

    spec: Spec
    document: bytes
    genesis: Leaves

    @property
    def digest(self) -> bytes:
        """What the contract is deployed with."""
        return spec_digest(self.document)


def make(choices: Choices, source: str | None = None) -> NewFederation:
    """Build the adapter's layout and first values on the base model at `source` (default: the hub id).

    The revision of a model from the hub is pinned to the commit it is now.

    Raises BaseModelError, LayoutMismatch, RuleError, NoBound (see `fednode.bounds`), pydantic's ValidationError for a
    layout or bounds out of range.
    """
    rule = rule_named(choices.rule)
    require_bound(choices.bounds, choices.training)
    from fednode.training import new_adapter

    adapter = new_adapter(
        choices.lora,
        source or choices.base_model,
        choices.seed,
        None if source else choices.revision,
        choices.training.sequence_length,
        _texts(choices),
    )
    layout = Layout.model_validate(
        {
            "tensors": adapter.tensors,
            "leaf_values": choices.leaf_values,
            "mantissa_bits": choices.mantissa_bits,
            "parts": rule.parts,
        }
    )
    revision = choices.revision if source else adapter.commit or choices.revision
    weights = split_leaves(adapter.units, choices.leaf_values)
    state = [bytes(len(weights[0]))] * (len(weights) * (rule.parts - 1))
    genesis = MemoryLeaves(weights + state)
    bounds = bounds_of(choices.bounds, choices.training, choices.lora, layout, choices.server_lr, adapter.units)
    spec = Spec(
        version=1,
        name=choices.name,
        base_model=adapter.base.named(choices.base_model, revision),
        lora=choices.lora,
        quantization=choices.quantization,
        layout=layout,
        prompt=choices.prompt,
        training=choices.training,
        evaluation=choices.evaluation,
        bounds=bounds,
        rule=rule.name,
        server_lr=choices.server_lr,
        genesis_root="0x" + genesis.root.hex(),
    )
    return NewFederation(spec, dump_spec(spec), genesis)


def _texts(choices: Choices) -> list[str]:
    """What stands in every row: the template around the prompt, and the classes."""
    return [*choices.prompt.template.split("{prompt}"), *(choices.evaluation.classes or ())]


def save(federation: NewFederation, folder: Path) -> None:
    """Write spec.json and genesis.car. Raises SpecFolderError rather than replace either."""
    for name in (SPEC_FILE, GENESIS_FILE):
        if (folder / name).exists():
            raise SpecFolderError(f"{folder / name} exists and is not overwritten: choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    save_car(federation.genesis, folder / GENESIS_FILE)
    (folder / SPEC_FILE).write_bytes(federation.document)


def load(folder: Path) -> NewFederation:
    """Read what `save` wrote, verified. Raises SpecFolderError, SpecError, CarError."""
    try:
        document = (folder / SPEC_FILE).read_bytes()
    except OSError as error:
        raise SpecFolderError(f"{folder / SPEC_FILE} cannot be read: {error.strerror}") from error
    spec = load_spec(document)
    car = folder / GENESIS_FILE
    if not car.is_file():
        raise SpecFolderError(f"there is no {car}: it belongs to {folder / SPEC_FILE}")
    genesis = open_car(car, bytes.fromhex(spec.genesis_root[2:]), spec.layout.global_shape)
    return NewFederation(spec, document, genesis)


def publish(federation: NewFederation, store: Store) -> None:
    """Put document and global 0 into a store. Raises Unavailable."""
    store.put_block(federation.document)
    store.put(federation.genesis)
