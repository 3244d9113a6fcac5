"""A federation that goes on where another one ended: its last final global is the next one's global 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from fedaggregator.compute.spec import spec_of
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.errors import FedError
from fedprotocol.spec import CHAT, Prompt, Spec
from fedprotocol.store.base import Store
from fedprotocol.types import Phase
from numpy.typing import NDArray

from fednode.sponsor.new_spec import Choices, NewFederation, Start, make
from fednode.sponsor.private_choice import bits_under
from fednode.sponsor.usual_prompt import usual_prompt


class NothingToGoOnFrom(FedError):
    """The old federation has no such final global; the message says what there is."""


@dataclass(frozen=True)
class Ended:
    """What a federation has come to: its spec, a round that is final, and that round's global, int32 [value_count]."""

    spec: Spec
    round: int
    root: bytes
    units: NDArray[np.int32]


def final_global(coordinator: Coordinator, store: Store, number: int | None = None) -> Ended:
    """The global of round `number`, by default of the last final one; it and the spec have the contract's hashes.

    Raises NothingToGoOnFrom, ChainError; SpecError, SpecMismatch, RuleError for a spec that is not the contract's;
    NotFound, Malformed, Unavailable if nobody serves spec or global.
    """
    last, root = coordinator.latest_final()
    if last == 0:
        raise NothingToGoOnFrom(
            f"no round of the federation at {coordinator.address} is final: there is no global to go on from. "
            "`fednode spec new` makes a spec from the start"
        )
    if number is not None and number != last:
        if not 1 <= number <= last or coordinator.round_view(number).phase is not Phase.FINAL:
            raise NothingToGoOnFrom(f"round {number} is not final; the last one that is is round {last}")
        last, root = number, coordinator.round_view(number).global_root
    spec = spec_of(coordinator, store)
    with store.get(root, spec.layout.global_shape) as leaves:
        return Ended(spec, last, root, spec.layout.weights(leaves))


def successor(ended: Ended, changes: Mapping[str, Any], source: str | None = None) -> NewFederation:
    """A new federation with the old one's spec and these `changes`, by the fields of `Choices`.

    A change of a part (`training`, `prompt`, …) is a mapping of its own; what it leaves out stays. The adapter must be
    the same, so base model, its quantisation, rank, alpha and layers are not to be changed. What a rule keeps beside
    the weights (a momentum) begins at zero, as in every new federation: it belongs to rounds of the old members.

    Raises what `make` does, BaseModelMismatch if `source` is another model than the old federation's.
    """
    old = ended.spec
    values: dict[str, Any] = {name: getattr(old, name) for name in Choices.model_fields if hasattr(old, name)}
    values |= {
        "base_model": old.base_model.id,
        "revision": old.base_model.revision,
        "bounds": {},
        "leaf_values": old.layout.leaf_values,
        "mantissa_bits": old.layout.mantissa_bits,
        "seed": 0,
    }
    if old.privacy is None:
        del values["privacy"]
    for name, change in changes.items():
        before = values.get(name, {})
        kept = before.model_dump() if hasattr(before, "model_dump") else before
        if name == "prompt" and (template := change.get("template", "")) and (template == CHAT) != old.prompt.is_chat:
            kept = usual_prompt(template)  # what the other kind of template has does not belong to this one
        values[name] = {**kept, **change} if isinstance(change, Mapping) else change
    values["mantissa_bits"] = bits_under(values["rule"], old.layout.mantissa_bits)
    for name, value in values.items():
        if hasattr(value, "model_dump"):
            values[name] = value.model_dump()
    if values["evaluation"]["classes"] is not None:
        prompt = Prompt.model_validate(values["prompt"])
        values["evaluation"]["classes"] = tuple(map(prompt.trimmed, values["evaluation"]["classes"]))
    return make(Choices.model_validate(values), source, Start(old.base_model, old.layout.tensors, ended.units))
