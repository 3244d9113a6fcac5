"""The settings of one training run, and the changes that a task or a row makes to them."""

from __future__ import annotations

from typing import Annotated, Literal

from fedaggregator.rules import RULES
from fedprotocol.config import Section
from fedprotocol.spec import SERVER_LR_ONE
from pydantic import Field, PositiveFloat, PositiveInt, field_validator

ServerLr = Annotated[float, Field(gt=0, le=2)]
Quantization = Literal["nf4", "bf16", "fp32"]
Factors = Literal["both", "b", "alternating"]
Arithmetic = Literal["integers", "floats"]
Bits = Literal[8, 16]
Optimizer = Literal["adamw_torch", "adamw_factored"]
Device = Literal["cpu", "cuda"]
AttackName = Literal["none", "absent", "label-flip", "sign-flip", "noise", "copy", "backdoor"]


class Settings(Section):
    """Settings of a site's training and of the adapter, as in the spec, and what a federation of these sites has to
    bear.

    `arithmetic`: how updates are sent and averaged, in the federation's integers or, for comparison, in float32.
    `steps_by`: every site makes `steps`, or all sites together make as many, each in proportion to its rows.
    `stragglers`: how many sites send nothing in a round, others each time. `attack`: what the last `attackers` sites
    do, see `fedlab.experiment.attacks`; with 0 attackers its success is measured where nobody attacks. `bounds`: "kept"
    if an attacker's update is within the spec's bounds, as honest sites demand; "off" lets it be as large as integers
    can be. `epsilon`: the differential privacy that each site spends over all rounds, at `delta`, with each row's
    gradient cut to the norm `clip`; None: it trains without noise.
    """

    rounds: PositiveInt = 5
    steps: PositiveInt = 6  # steps of each site in a round
    batch_size: PositiveInt = 8
    sequence_length: Annotated[int, Field(ge=8)] = 64
    learning_rate: PositiveFloat = 2e-3
    schedule: Literal["constant", "cosine"] = "cosine"
    final_learning_rate_ratio: Annotated[float, Field(ge=0, le=1)] = 0.1
    quantization: Quantization = "bf16"
    rank: PositiveInt = 8
    alpha: PositiveInt = 16
    target_modules: tuple[str, ...] = ("q_proj", "v_proj")
    factors: Factors = "both"
    proximal_mu: Annotated[float, Field(ge=0)] = 0.0
    optimizer: Optimizer = "adamw_torch"
    rate_ratio_b: PositiveFloat = 1.0
    look_ahead: Annotated[float, Field(ge=0, lt=1)] = 0.0
    bits: Bits = 8
    server_lr: ServerLr = 1.0
    arithmetic: Arithmetic = "integers"
    rule: str = "fedavg"
    steps_by: Literal["site", "rows"] = "site"
    stragglers: Annotated[int, Field(ge=0)] = 0
    attack: AttackName = "none"
    attackers: Annotated[int, Field(ge=0)] = 0
    bounds: Literal["kept", "off"] = "kept"
    epsilon: PositiveFloat | None = None
    delta: Annotated[float, Field(gt=0, lt=1)] = 1e-5
    clip: PositiveFloat = 0.1

    @field_validator("rule")
    @classmethod
    def _known(cls, rule: str) -> str:
        if rule not in RULES:
            raise ValueError(f"there is no rule {rule!r}; the rules are {', '.join(sorted(RULES))}")
        return rule

    @property
    def server_lr_units(self) -> int:
        return round(self.server_lr * SERVER_LR_ONE)

    def changed_by(self, changes: Settings) -> Settings:
        """These settings, in which those that `changes` sets are replaced. Its defaults change nothing."""
        given = changes.model_fields_set & Settings.model_fields.keys()
        return self.model_copy(update={name: getattr(changes, name) for name in given})
