"""The models that are tried: small random ones of each architecture and tokenizer, with a random adapter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from fednode.base_model import load_tokenizer, locate
from fednode.base_model.chat_template import chat_template_of, digest_of
from fednode.global_model.export import export_adapter
from fednode.global_model.gguf_adapter import export_gguf_adapter
from fednode.global_model.gguf_model import export_gguf_model
from fednode.global_model.merged_folder import export_merged
from fednode.global_model.provenance import Provenance
from fedprotocol.spec import Evaluation, Prompt, Spec
from numpy.typing import NDArray
from support.chat_templates import USABLE
from support.tiny_families import build_family
from support.tiny_model import build_tiny_model
from support.tiny_spec import LORA, tiny_spec
from support.tokenizer_kinds import KINDS, SPLITS, split_as

PROVENANCE = Provenance(round=1, root=b"\1" * 32, spec_digest=b"\2" * 32, chain_id=31337, contract="0x" + "ab" * 20)
TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
QUESTIONS = (
    "a small rose",
    "In 2026, 1234567 of 12 sites weren't there:  two   spaces\n\nand lines",
    "naïve café, Привет, 你好 🙂",
)
SHORT = ("a small rose", "my sea", "that old cloud")
"""For models of few positions, at whose end llama.cpp's server stops a little earlier."""


@dataclass(frozen=True)
class Files:
    """What a program loads: files or folders."""

    model: Path
    adapter: Path | None = None

    @property
    def folder(self) -> Path:
        """The export that they are of."""
        return (self.adapter or self.model).parent


@dataclass(frozen=True)
class Model:
    """A base model in `base`, and an adapter whose values lie within 2^-`small`. `is_chat`: it is asked by the base
    model's own chat template."""

    name: str
    base: Path
    out: Path
    small: int
    questions: tuple[str, ...] = QUESTIONS
    is_chat: bool = False

    @cached_property
    def spec(self) -> Spec:
        lora = LORA.model_copy(update={"target_modules": TARGETS})
        spec = tiny_spec(self.base, "fp32", lora, evaluation=Evaluation(classes=None), sequence_length=128)[0]
        if not self.is_chat:
            return spec
        own = digest_of(chat_template_of(load_tokenizer(self.base)))
        return spec.model_copy(update={"prompt": Prompt(template="chat", turns="last", chat_template=own)})

    @cached_property
    def units(self) -> NDArray[np.int32]:
        limit = 2 ** (24 - self.small)
        return np.random.default_rng(0).integers(-limit, limit, self.spec.layout.value_count, dtype=np.int32)

    def in_gguf(self) -> Iterator[tuple[str, Files, bool]]:
        """Each form with its files, and whether it has the same weights to the bit."""
        untrained = np.zeros_like(self.units)
        export_gguf_model(self.spec, untrained, PROVENANCE, self.base, self.out / "base", "fp32")
        export_gguf_adapter(self.spec, self.units, PROVENANCE, self.base, self.out / "adapter")
        yield "adapter", Files(self.out / "base/model.gguf", self.out / "adapter/adapter.gguf"), True
        for dtype in ("fp32", "fp16", "bf16", "q8_0"):
            export_gguf_model(self.spec, self.units, PROVENANCE, self.base, self.out / dtype, dtype)
            yield f"merged in {dtype}", Files(self.out / dtype / "model.gguf"), dtype == "fp32"

    def in_safetensors(self) -> Iterator[tuple[str, Files]]:
        """Each form with its folders; both have the same weights to the bit."""
        export_adapter(self.spec, self.units, PROVENANCE, self.out / "peft")
        yield "adapter", Files(self.base, self.out / "peft")
        export_merged(self.spec, self.units, PROVENANCE, self.base, self.out / "merged", "fp32")
        yield "merged in fp32", Files(self.out / "merged")


def models(scratch: Path, real: str | None) -> Iterator[Model]:
    """All of them; `real`: another base model, which is also asked by its own chat template if it has one."""
    for split in SPLITS:
        yield _with_tokenizer(scratch, f"Llama, tokenizer as {split}", split_as(split))
    yield _with_tokenizer(scratch, "Llama, tokenizer as llama2", KINDS["llama2"]())
    for kind, chat in USABLE.items():
        yield replace(_with_tokenizer(scratch, f"Llama, chat as {kind}", chat.tokenizer()), is_chat=True)
    for family in ("mistral", "qwen2", "qwen3"):
        folder = scratch / family
        yield Model(family, build_family(folder / "base", family), folder / "exports", 4, SHORT)
    if real is not None:
        base = locate(real)
        yield Model(Path(real).name, base, scratch / "real", 6)
        if load_tokenizer(base).chat_template:
            yield Model(f"{Path(real).name}, chat", base, scratch / "real-chat", 6, is_chat=True)


def _with_tokenizer(scratch: Path, name: str, tokenizer: Any) -> Model:
    folder = scratch / name.replace(" ", "-")
    build_tiny_model(folder / "base")
    tokenizer.save_pretrained(folder / "base")
    return Model(name, folder / "base", folder / "exports", 4)
