"""The whole document, and what must hold between its parts."""

import math
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from fedprotocol import numbers
from fedprotocol.base_model import BaseModelRef
from fedprotocol.masks.document import Masking, require_agreement
from fedprotocol.spec.demands import Bounds, Privacy
from fedprotocol.spec.layout import Layout
from fedprotocol.spec.prompt import Prompt
from fedprotocol.spec.training import Evaluation, Lora, Quantization, Training
from fedprotocol.strict import Hex32, Name, Part

SERVER_LR_ONE = 1 << 16


class Decisions(Part):
    """The part of a spec that its sponsor decides; the remaining fields follow from it and from the base model."""

    name: Annotated[Name, Field(max_length=200)]
    lora: Lora
    quantization: Quantization
    prompt: Prompt
    training: Training
    evaluation: Evaluation
    rule: Name  # what name() of the rule's contract returns
    server_lr: Annotated[int, Field(ge=1, le=2 * SERVER_LR_ONE)]  # unit 2^-16
    # A document without it demands nothing, and then has no such field, not even null.
    privacy: Privacy | None = Field(default=None, exclude_if=lambda privacy: privacy is None)

    @field_validator("privacy", mode="before")
    @classmethod
    def _not_null(cls, value: object) -> object:
        if value is None:
            raise ValueError("must be left out where no privacy is demanded")
        return value

    @model_validator(mode="after")
    def _classes_trimmed(self) -> Self:
        for name in self.evaluation.classes or ():
            if not (trimmed := self.prompt.trimmed(name)):
                raise ValueError(f"evaluation.classes: {name!r} is nothing but white space")
            if trimmed != name:
                raise ValueError(
                    f"evaluation.classes: {name!r} must be {trimmed!r}; prompt.join is what stands before it"
                )
        return self

    @model_validator(mode="after")
    def _looks_ahead_to_some_end(self) -> Self:
        share = self.training.look_ahead
        if share and self.lora.factors == "alternating":
            raise ValueError(
                "training.look_ahead must be 0 where lora.factors is alternating: what the round before changed is not "
                "what a round trains"
            )
        if share * self.server_lr >= SERVER_LR_ONE:
            raise ValueError(
                f"training.look_ahead {share:g} times the server's learning rate must be below 1, or each round would "
                "go farther than the one before it, without end"
            )
        return self


class Spec(Decisions):
    """The whole document."""

    version: Literal[1]
    base_model: BaseModelRef
    layout: Layout
    bounds: Bounds
    genesis_root: Hex32  # root of global 0, the genesis
    # A document of a public federation has no such field.
    masking: Masking | None = Field(default=None, exclude_if=lambda masking: masking is None)

    @field_validator("masking", mode="before")
    @classmethod
    def _no_null_masking(cls, value: object) -> object:
        if value is None:
            raise ValueError("must be left out where updates are public")
        return value

    @property
    def is_masked(self) -> bool:
        """Whether updates are masked."""
        return self.masking is not None

    @property
    def largest_value(self) -> float:
        """The largest value that an update can have, real."""
        if self.masking is not None:
            return self.masking.largest_value
        return (1 << (self.layout.mantissa_bits - 1 + self.bounds.max_shift)) * numbers.UNIT

    @model_validator(mode="after")
    def _masked_or_public(self) -> Self:
        require_agreement(
            self.masking,
            rule=self.rule,
            factors=self.lora.factors,
            mantissa_bits=self.layout.mantissa_bits,
            max_shift=self.bounds.max_shift,
        )
        return self

    @model_validator(mode="after")
    def _chat_template_named(self) -> Self:
        if self.prompt.is_chat and self.prompt.chat_template is None:
            raise ValueError("prompt.chat_template: the sha2-256 of the base model's chat template is missing")
        return self

    def with_steps(self, steps: int) -> Self:
        """The same with another number of local steps, for whoever tries or compares."""
        return self.model_copy(update={"training": self.training.model_copy(update={"steps": steps})})

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        bounds, bits = self.bounds, self.layout.mantissa_bits
        if not self.is_masked and bounds.max_shift + bits > numbers.SHIFT_LIMIT:
            raise ValueError(f"bounds.max_shift: at most {numbers.SHIFT_LIMIT - bits} with mantissas of {bits} bits")
        largest = self.largest_value * math.sqrt(self.layout.value_count)
        if bounds.min_norm > min(bounds.max_norm, largest):
            raise ValueError(
                f"bounds.min_norm {bounds.min_norm:g} is more than an update can have: max_norm is "
                f"{bounds.max_norm:g}, and {'masking' if self.is_masked else 'max_shift'} leaves {largest:.4g}"
            )
        return self


FIELDS_IN_ORDER = (
    *("version", "name", "base_model", "lora", "quantization", "layout", "prompt", "training", "evaluation", "bounds"),
    *("privacy", "masking", "rule", "server_lr", "genesis_root"),
)
"""The fields in the order of the canonical document."""
