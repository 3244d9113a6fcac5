"""The parts of a spec that say what is trained, how, and how it is scored."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from fedprotocol.strict import Listed, Name, Part, Positive, PositiveReal


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
