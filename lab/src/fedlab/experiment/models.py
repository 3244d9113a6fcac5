"""The base model and the spec of a cell."""

from __future__ import annotations

import gc
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fednode.base_model import Identity
from fednode.base_model.tokenizer_probes import PROBES
from fednode.sponsor.new_spec import Choices, NewFederation, make
from fedprotocol.base_model import BaseModelRef
from fedprotocol.spec import Evaluation, Lora, Prompt, Spec
from fedprotocol.spec import Quantization as SpecQuantization
from fedprotocol.spec import Training as SpecTraining

from fedlab.demo.base_model import MODEL_ID, demo_base_model
from fedlab.experiment.privacy.membership import Untrained
from fedlab.experiment.settings import Device, Settings
from fedlab.experiment.sources import Pool

if TYPE_CHECKING:
    from fednode.training import AdapterModel

DEMO = "demo"


@dataclass(frozen=True)
class Base:
    """The base model: its name in a spec, and where it is (folder, .gguf file or hub id).

    `is_demo`: it was made from one file whose bytes were checked.
    """

    name: str
    source: str
    is_demo: bool = False

    @classmethod
    def of(cls, model: str, cache: Path) -> Base:
        """The base model for an experiment's `model`. The demo's is fetched into `cache`. Raises BaseModelError."""
        if model == DEMO:
            return cls(MODEL_ID, str(demo_base_model(cache)), is_demo=True)
        return cls(Path(model).name if Path(model).exists() else model, model)

    def key(self, pinned: Identity | BaseModelRef) -> str:
        """The part of a cell's key that describes the model. It changes with everything that a spec fixes about the
        model. The probe texts of a federation do not count, and for the demo's model the weights' digest is enough.
        """
        if self.is_demo:
            return pinned.digest
        tokenizer = pinned.tokenizer.model_dump(mode="json", exclude={"texts"})
        texts = {probe.text: probe.tokens for probe in pinned.tokenizer.texts if probe.text in PROBES}
        made_of = [pinned.digest, pinned.config, tokenizer, texts]
        return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()


def lora_of(settings: Settings) -> Lora:
    """The spec's."""
    return Lora(
        r=settings.rank,
        alpha=settings.alpha,
        dropout=0.0,
        target_modules=settings.target_modules,
        factors=settings.factors,
    )


def quantization_of(settings: Settings) -> SpecQuantization:
    """The spec's."""
    return SpecQuantization(kind=settings.quantization, double_quant=True, compute_dtype="bf16")


def training_of(settings: Settings) -> SpecTraining:
    """The spec's."""
    return SpecTraining(
        rounds=settings.rounds,
        steps=settings.steps,
        batch_size=settings.batch_size,
        gradient_accumulation=1,
        sequence_length=settings.sequence_length,
        optimizer=settings.optimizer,
        learning_rate=settings.learning_rate,
        schedule=settings.schedule,
        final_learning_rate_ratio=settings.final_learning_rate_ratio,
        weight_decay=0.0,
        max_grad_norm=1.0,
        gradient_checkpointing=False,
        proximal_mu=settings.proximal_mu,
        rate_ratio_b=settings.rate_ratio_b,
        look_ahead=settings.look_ahead,
    )


def federation_of(base: Base, settings: Settings, pool: Pool, seed: int) -> NewFederation:
    """The spec and global 0, made like `fednode spec new` makes them. Global 0 follows from `seed`."""
    choices = Choices(
        name="experiment",
        base_model=base.name,
        revision=None,
        lora=lora_of(settings),
        quantization=quantization_of(settings),
        prompt=Prompt(template=pool.template),
        training=training_of(settings),
        evaluation=Evaluation(classes=pool.classes),
        leaf_values=1024,
        mantissa_bits=settings.bits,
        rule=settings.rule,
        server_lr=settings.server_lr_units,
        seed=seed,
    )
    return make(choices, base.source)


class Models:
    """Loads models of `base` on `device` ("cpu" or "cuda"), each with `threads` CPU threads, and keeps the last one
    loaded."""

    def __init__(self, base: Base, device: Device, threads: int) -> None:
        self.base = base
        self.device = device
        self._threads = threads
        self._key: object = None
        self._held: AdapterModel | None = None
        self.untrained = Untrained()
        """What rows cost the loaded model before training."""

    def of(self, spec: Spec) -> AdapterModel:
        """The spec's. Raises what `AdapterModel.load` raises."""
        from fednode.training import AdapterModel

        lora = spec.lora.model_copy(update={"factors": "both"})  # which factors train is decided in each round
        key = (spec.quantization, lora, spec.prompt, spec.training.sequence_length, spec.evaluation)
        if self._held is None or key != self._key:
            self._held = None  # not every machine has memory for two
            gc.collect()  # its modules refer to each other, so only the garbage collector frees them
            self._held = AdapterModel.load(spec, self.base.source, self.device, self._threads)
            self._key, self.untrained = key, Untrained()
        return self._held
