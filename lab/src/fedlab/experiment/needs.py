"""How much memory models need that are not on this machine. It is computed from their shapes; nothing is measured.

NF4 with double quantisation: Dettmers et al. 2023, "QLoRA": four bits a weight, a scale of 8 bits for 64 of them, and
one of 32 bits for 256 scales. Embeddings, head and norms stay 16-bit.
"""

from __future__ import annotations

from dataclasses import dataclass

NF4_BITS = 4 + 8 / 64 + 32 / (64 * 256)
RANK = 8
ADAPTER_BYTES = 16  # bytes for each value: float32 weight, gradient, and Adam's two moments


@dataclass(frozen=True)
class Shape:
    """A Llama's dimensions. `tied`: the output layer has the same weights as the embedding."""

    name: str
    hidden: int
    layers: int
    intermediate: int
    heads: int
    kv_heads: int
    vocabulary: int
    tied: bool

    @property
    def linear(self) -> int:
        """How many weights the linear layers have, which NF4 quantises."""
        kv = self.hidden // self.heads * self.kv_heads
        attention = 2 * self.hidden * self.hidden + 2 * self.hidden * kv
        return self.layers * (attention + 3 * self.hidden * self.intermediate)

    @property
    def other(self) -> int:
        """How many weights embeddings, output layer and norms have."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2) + (2 * self.layers + 1) * self.hidden

    def adapter(self, rank: int) -> int:
        """How many values LoRA has on q and v."""
        kv = self.hidden // self.heads * self.kv_heads
        return self.layers * rank * (2 * self.hidden + self.hidden + kv)

    def weights_bytes(self, kind: str) -> float:
        """Bytes of the frozen model in "nf4", "bf16" or "fp32"."""
        if kind == "nf4":
            return self.linear * NF4_BITS / 8 + 2 * self.other
        return (self.linear + self.other) * {"bf16": 2, "fp32": 4}[kind]


SMOLLM2_135M = Shape("SmolLM2-135M", 576, 30, 1536, 9, 3, 49152, True)
SHAPES = (
    SMOLLM2_135M,
    Shape("TinyLlama-1.1B", 2048, 22, 5632, 32, 4, 32000, False),
    Shape("Llama-2-7B", 4096, 32, 11008, 32, 32, 32000, False),
)
