"""The federation's document: everything that must be the same at every site and is not money or time.

One JSON document, published as a raw block; the contract holds the sha2-256 of its bytes. It is read strictly, without
unknown fields, conversions or defaults, so that a document means the same to every version that accepts it. (Only
`prompt.join`, `prompt.chat_template`, `prompt.turns`, `training.rate_ratio_b`, `training.look_ahead`, `privacy` and
`masking`, which came later, may be absent, and that has one meaning too.)
"""

import hashlib
import math
from collections import Counter
from typing import Annotated, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import from_json

from fedprotocol import numbers, tree
from fedprotocol.base_model import BaseModelRef
from fedprotocol.complaints import complaints
from fedprotocol.errors import FedError
from fedprotocol.foreign_errors import in_a_line
from fedprotocol.leaves import Leaves, MemoryLeaves
from fedprotocol.masks.document import Masking, require_agreement
from fedprotocol.printable import json_text, printable
from fedprotocol.strict import Hex32, Listed, Name, Part, Positive, PositiveReal
from fedprotocol.types import MASKED_BITS

MAX_SPEC_BYTES = 1 << 20
"""The largest block that IPFS nodes exchange without asking."""

SERVER_LR_ONE = 1 << 16

_MOST_NAMED = 50  # wrong fields
_LONGEST = 400  # most characters about one of them


class SpecError(FedError):
    """Not a valid spec; the message names every field that is wrong."""


class SpecMismatch(FedError):
    """The spec is not the one that the contract was deployed with."""

    needs_person = True


class Lora(Part):
    """The part of peft's LoraConfig that all sites have in common, and which of the two factors a round trains.

    The mean of products B A is not the product of the means, unless all sites have one factor in common. "b": A stays
    as it was at the start: FFA-LoRA, Sun et al. 2024, "Improving LoRA in Privacy-preserving Federated Learning".
    "alternating": B in odd rounds, A in even ones: RoLoRA, Chen et al. 2024, "Robust Federated Finetuning of Foundation
    Models via Alternating Minimization of LoRA". B comes first, because A has no gradient while B is zero.
    """

    r: Positive
    alpha: Positive
    dropout: Annotated[float, Field(ge=0, lt=1)]
    target_modules: Annotated[Listed[Name], Field(min_length=1)]
    factors: Literal["both", "b", "alternating"]

    def trains(self, tensor: str, round: int) -> bool:
        """Whether round `round` (from 1) trains the tensor of that name in the layout."""
        if self.factors == "both":
            return True
        of_a = ".lora_A." in tensor
        return of_a == (self.factors == "alternating" and round % 2 == 0)


class Quantization(Part):
    """In which precision the frozen weights are kept while training."""

    kind: Literal["nf4", "bf16", "fp32"]
    double_quant: bool
    compute_dtype: Literal["bf16", "fp32"]


class Tensor(Part):
    """One adapter tensor, whose values are in C order."""

    name: Name
    shape: Annotated[Listed[Positive], Field(min_length=1, max_length=8)]


class Layout(Part):
    """Which value of the vector belongs to which weight, and how the vector is cut into leaves."""

    tensors: Annotated[Listed[Tensor], Field(min_length=1)]
    leaf_values: Annotated[int, Field(ge=32, le=8192)]
    mantissa_bits: Literal[8, 16, 32]  # 32: of a masked value
    # how many leaves of a global belong to each leaf of an update; the rule decides it
    parts: Annotated[int, Field(ge=1, le=8)]

    @field_validator("leaf_values")
    @classmethod
    def _power_of_two(cls, value: int) -> int:
        if value & (value - 1):
            raise ValueError("must be a power of two")
        return value

    @field_validator("tensors")
    @classmethod
    def _named_once(cls, tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        names = Counter(tensor.name for tensor in tensors)
        if twice := [name for name, times in names.items() if times > 1]:
            raise ValueError(f"these tensors stand there more than once: {', '.join(twice)}")
        return tensors

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.leaf_count * self.parts > tree.MAX_LEAVES:
            raise ValueError(f"{self.value_count} values need more than {tree.MAX_LEAVES} leaves; raise leaf_values")
        return self

    @property
    def value_count(self) -> int:
        """How many values the adapter has."""
        return sum(math.prod(tensor.shape) for tensor in self.tensors)

    @property
    def leaf_count(self) -> int:
        """How many leaves an update has; at least two."""
        return numbers.leaf_count(self.value_count, self.leaf_values)

    @property
    def delta_shape(self) -> tree.TreeShape:
        """The shape of every update."""
        return tree.TreeShape(self.leaf_count, self.leaf_values * self.mantissa_bits // 8)

    @property
    def global_shape(self) -> tree.TreeShape:
        """The shape of every global: the leaves of the weights, and then those of what the rule keeps beside them."""
        return tree.TreeShape(self.leaf_count * self.parts, self.leaf_values * 4)

    def at_genesis(self, units: NDArray[np.int32]) -> MemoryLeaves:
        """The global with these weights, int32 [value_count] in units of 2^-24, in which all that the rule keeps beside
        them is still zero."""
        weights = numbers.split_leaves(units, self.leaf_values)
        state = [bytes(len(weights[0]))] * (len(weights) * (self.parts - 1))
        return MemoryLeaves(weights + state)

    def weights(self, leaves: Leaves) -> NDArray[np.int32]:
        """The adapter's values in a global, int32 [value_count], units of 2^-24.

        Raises NumbersError, also where the padding is not zero, unless updates are masked: a single site can then add
        to the padding unseen, and must not stop all the others by it.
        """
        padded = self.mantissa_bits != MASKED_BITS
        units: NDArray[np.int32] = numbers.join_leaves(
            (leaves[index] for index in range(self.leaf_count)), 32, self.value_count, zero_padding=padded
        )
        return units


BLANKS = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""The white space that is taken off prompts, completions and classes where the spec says how they are joined."""


CHAT = "chat"
"""The `template` of a spec whose rows are conversations in the base model's own chat template."""


class Prompt(Part):
    """How an example becomes text: the template, `join`, the completion, the end-of-text token.

    With `join`, prompt and completion lose the `BLANKS` at both their ends. A document without it takes both as they
    are, with nothing between template and completion. It then has no field `join`, not even null.

    With the template "chat", it is the base model's own chat template that makes text of a conversation.
    `chat_template` is the sha2-256 of that template's text (UTF-8), and `turns` says which answers of a conversation
    are learned: the last one, or every one, each after all that stands before it. There is no `join` then. Other
    documents have neither field.
    """

    template: str
    join: Annotated[str, Field(pattern=r"^[ \t\n]{0,8}$")] | None = Field(
        default=None, exclude_if=lambda join: join is None
    )
    chat_template: Hex32 | None = Field(default=None, exclude_if=lambda digest: digest is None)
    turns: Literal["last", "every"] | None = Field(default=None, exclude_if=lambda turns: turns is None)

    @field_validator("template")
    @classmethod
    def _one_place(cls, template: str) -> str:
        if template != CHAT and template.count("{prompt}") != 1:
            raise ValueError("must contain {prompt} exactly once, or be chat, the base model's own chat template")
        return template

    @field_validator("join", mode="before")
    @classmethod
    def _blank(cls, join: object) -> object:
        if not isinstance(join, str) or len(join) > 8 or set(join) - set(" \t\n"):
            raise ValueError("must be at most 8 spaces, tabs and line breaks, or empty; other text is the template's")
        return join

    @field_validator("chat_template", "turns", mode="before")
    @classmethod
    def _no_null(cls, value: object) -> object:
        if value is None:
            raise ValueError("must be left out where there is no chat template")
        return value

    @model_validator(mode="after")
    def _joined_once(self) -> Self:
        if self.is_chat:
            if self.join is not None:
                raise ValueError("prompt.join belongs to a template with {prompt}; a chat template has its own")
            if self.turns is None:
                raise ValueError("prompt.turns: say whether the last answer of a conversation is learned, or every one")
        elif self.chat_template is not None or self.turns is not None:
            raise ValueError('prompt.chat_template and prompt.turns belong to the template "chat"')
        elif self.join is not None and self.template[-1:] in BLANKS:
            raise ValueError("prompt.template ends in white space; what stands before the completion is prompt.join")
        return self

    @property
    def is_chat(self) -> bool:
        """Whether the base model's own chat template makes text of rows."""
        return self.template == CHAT

    @property
    def answer_after_space(self) -> bool:
        """Whether the answer begins with the last space of `join`, of which tokenizers make one token with its word."""
        return (self.join or "").endswith(" ")

    @property
    def before_answer(self) -> str:
        """The template, with its {prompt}, up to where the model goes on. A space that belongs to the answer's first
        token is left out."""
        return self.template + (self.join or "").removesuffix(" ")

    def trimmed(self, text: str) -> str:
        """A prompt or completion as it is put into the template."""
        return text if self.join is None else text.strip(BLANKS)


class Training(Part):
    """Local training. `learning_rate` follows `schedule` across rounds and is constant within one.

    `proximal_mu`: mu of FedProx, whose sites minimise loss + mu/2 ||w - w_start||^2, with w_start where the site begins
    the round; with 0 there is no such term. Li et al. 2020, "Federated Optimization in Heterogeneous Networks".

    `rate_ratio_b`: how many times larger the learning rate of LoRA's factor B is than that of A. Hayou et al. 2024,
    "LoRA+". `look_ahead`: a site begins a round at w_global + look_ahead (w_global - the global before), and what it
    sends counts from w_global: Nesterov's momentum, from globals that everybody has. The global before is the one that
    w_global was made from, whatever rounds were void since; round 1 begins at global 0. A document in which they are 1
    and 0 does not have these two fields.
    """

    rounds: Positive
    steps: Positive
    batch_size: Positive
    gradient_accumulation: Positive
    sequence_length: Annotated[int, Field(ge=8)]
    optimizer: Name  # one that transformers' TrainingArguments(optim=…) takes, or "adamw_factored"
    learning_rate: PositiveReal
    schedule: Literal["constant", "cosine"]
    final_learning_rate_ratio: Annotated[float, Field(ge=0, le=1)]
    weight_decay: Annotated[float, Field(ge=0)]
    max_grad_norm: PositiveReal
    gradient_checkpointing: bool
    proximal_mu: Annotated[float, Field(ge=0)]
    rate_ratio_b: PositiveReal = Field(default=1.0, exclude_if=lambda ratio: ratio == 1)
    look_ahead: Annotated[float, Field(ge=0, lt=1)] = Field(default=0.0, exclude_if=lambda share: share == 0)


class Evaluation(Part):
    """`classes`: the possible answers. Each item is scored with one forward pass that compares the first token of each
    class. None: only the loss is computed."""

    classes: Annotated[Listed[Annotated[str, Field(min_length=1)]], Field(min_length=2)] | None

    @field_validator("classes")
    @classmethod
    def _distinct(cls, classes: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if classes is not None and len(set(classes)) < len(classes):
            raise ValueError("a class stands there twice")
        return classes


class Bounds(Part):
    """How large and how small an update may be. The norms are L2 norms of the decoded delta, in real values.

    The contract refuses a shift above `max_shift`, and so any value above 2^(mantissa_bits - 1 + max_shift) units; the
    norms are checked by attesters. `fednode.sponsor.bounds` explains how the three numbers are computed.
    """

    max_shift: Annotated[int, Field(ge=0, le=numbers.SHIFT_LIMIT - 8)]
    max_norm: PositiveReal
    min_norm: PositiveReal  # below it, an update is nearly nothing


class Privacy(Part):
    """What a site has to do for the privacy of its rows. `noise`: the least noise multiplier of DP-SGD, which is the
    standard deviation of the noise in units of the largest norm of one row's gradient. Abadi et al. 2016, "Deep
    Learning with Differential Privacy". Nobody can prove that another site does it; a node refuses to train with
    less."""

    noise: PositiveReal


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


class ContractTerms(Protocol):
    """What the spec and the contract's configuration both contain (`fedprotocol.types.FederationConfig`)."""

    @property
    def spec_digest(self) -> bytes: ...
    @property
    def genesis_root(self) -> bytes: ...
    @property
    def leaf_count(self) -> int: ...
    @property
    def leaf_values(self) -> int: ...
    @property
    def mantissa_bits(self) -> int: ...
    @property
    def max_shift(self) -> int: ...
    @property
    def server_lr(self) -> int: ...
    @property
    def total_rounds(self) -> int: ...


def load_spec(data: bytes) -> Spec:
    """Parse and check a document. Raises SpecError, which names the wrong fields and says what each should be."""
    if len(data) > MAX_SPEC_BYTES:
        raise SpecError(f"a spec has at most {MAX_SPEC_BYTES} bytes, not {len(data)}")
    try:
        # `model_validate_json` is not used, because its errors hold a copy of the surrounding value for every missing
        # field.
        return Spec.model_validate(from_json(data, allow_inf_nan=False))
    except ValidationError as error:
        wrong = _complaint(error)
    except ValueError as error:
        wrong = f"this spec is not JSON: {error}"
    except Exception as error:  # any exception that pydantic lets through
        wrong = f"this spec cannot be read: {in_a_line(error)}"
    # raised outside the handler, because a kept error of pydantic keeps everything that it refers to
    raise SpecError(wrong)


def dump_spec(spec: Spec) -> bytes:
    """The canonical document: UTF-8, two spaces of indentation, fields in the order of `FIELDS_IN_ORDER` and, inside
    each part, of its model, and a final newline. Characters that `printable` would write out become JSON escapes."""
    fields = spec.model_dump(mode="json")
    return (json_text({name: fields[name] for name in FIELDS_IN_ORDER if name in fields}, indent=2) + "\n").encode()


def spec_digest(data: bytes) -> bytes:
    """sha2-256 of the document's bytes. `tree.raw_cid` of it is the document's address on IPFS."""
    return hashlib.sha256(data).digest()


def check_against(spec: Spec, digest: bytes, config: ContractTerms) -> None:
    """Raise SpecMismatch, naming the fields, unless spec and contract agree in everything that both contain.

    `digest` is `spec_digest` of the bytes that `spec` was loaded from.
    """
    pairs: list[tuple[str, bytes | int, bytes | int]] = [
        ("spec_digest", digest, config.spec_digest),
        ("genesis_root", bytes.fromhex(spec.genesis_root[2:]), config.genesis_root),
        ("leaf_count", spec.layout.leaf_count, config.leaf_count),
        ("leaf_values", spec.layout.leaf_values, config.leaf_values),
        ("mantissa_bits", spec.layout.mantissa_bits, config.mantissa_bits),
        ("max_shift", spec.bounds.max_shift, config.max_shift),
        ("server_lr", spec.server_lr, config.server_lr),
        ("total_rounds", spec.training.rounds, config.total_rounds),
    ]
    different = [
        f"{name}: {_show(ours)} in the spec, {_show(theirs)} in the contract"
        for name, ours, theirs in pairs
        if ours != theirs
    ]
    if different:
        raise SpecMismatch("the spec is not the contract's; take the one it names:\n  " + "\n  ".join(different))


def _complaint(error: ValidationError) -> str:
    count = error.error_count()
    if count > _MOST_NAMED:  # a document of a megabyte can have a hundred thousand wrong fields
        return f"this is no spec: {count} of its fields are wrong or unknown"
    lines = [printable(line, _LONGEST) for line in complaints(error, "document")]
    return "this spec is not valid:\n  " + "\n  ".join(lines)


def _show(value: bytes | int) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
