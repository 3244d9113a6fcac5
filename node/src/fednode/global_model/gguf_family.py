"""The architectures that are written as GGUF, in the form that llama.cpp computes them.

llama.cpp knows Llama and Mistral as one architecture, whose rotary embedding turns neighbouring values of a head, where
transformers turns value i and value i + half. So the rows of q and k change their order; those of Qwen do not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fednode.global_model.errors import ExportError

if TYPE_CHECKING:
    from gguf import GGUFWriter
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Family:
    """`architecture`: llama.cpp's name; `interleaved`: whether rows of q and k change their order."""

    architecture: str
    interleaved: bool


FAMILIES = {
    "llama": Family("llama", interleaved=True),
    "mistral": Family("llama", interleaved=True),
    "qwen2": Family("qwen2", interleaved=False),
    "qwen3": Family("qwen3", interleaved=False),
}
"""Each family, under transformers' model_type."""

_MADE_SO_FAR = "only models of the types " + ", ".join(FAMILIES)


class Names:
    """From the names and rows of transformers' model to those of llama.cpp, for a model with this config."""

    def __init__(self, config: Any, instead: str) -> None:
        """`instead`: what to do about a model that cannot be written, for the message. Raises ExportError."""
        import gguf

        if config.model_type not in FAMILIES:
            raise ExportError(f"{_MADE_SO_FAR} can be written as GGUF here, not {config.model_type}; {instead}")
        self.family = FAMILIES[config.model_type]
        self._instead = instead
        kind = next(kind for kind, name in gguf.MODEL_ARCH_NAMES.items() if name == self.family.architecture)
        self._map = gguf.get_tensor_name_map(kind, config.num_hidden_layers)
        self._heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}

    def of(self, name: str) -> str:
        """llama.cpp's name of a weight, with its ending `.weight` or `.bias`. Raises ExportError if it has none."""
        found: str | None = self._map.get_name(name, try_suffixes=(".weight", ".bias"))
        if found is None:
            raise ExportError(f"llama.cpp has no place for {name} of this model; {self._instead}")
        return found

    def rows(self, name: str, value: NDArray[Any]) -> NDArray[Any]:
        """`value`, [out, …], a weight or bias of that name or what has its rows, in llama.cpp's order of rows."""
        layer = name.rpartition(".")[0].rpartition(".")[2]
        if not self.family.interleaved or layer not in self._heads:
            return value
        halves = value.reshape(self._heads[layer], 2, -1, *value.shape[1:])
        return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(value.shape)


def write_settings(writer: GGUFWriter, config: Any, instead: str) -> NDArray[np.float32] | None:
    """The settings with which llama.cpp computes the model. The divisors of the rotary frequencies, float32
    [head_dim / 2], where they must be stored as the tensor `rope_freqs.weight`.

    Raises ExportError if something of this model would be computed in another way.
    """
    if config.hidden_act != "silu":
        raise ExportError(f"llama.cpp computes this model with silu, and it has {config.hidden_act}; {instead}")
    heads = config.num_attention_heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads
    window = getattr(config, "sliding_window", None)
    writer.add_vocab_size(config.vocab_size)
    # what has a window is the same without one as far as the window reaches
    writer.add_context_length(min(config.max_position_embeddings, window or config.max_position_embeddings))
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_rope_dimension_count(head_dim)
    return _rotary(writer, config, instead)


def _rotary(writer: GGUFWriter, config: Any, instead: str) -> NDArray[np.float32] | None:
    import gguf

    parameters = config.rope_parameters
    kind = parameters.get("rope_type", "default")
    writer.add_rope_freq_base(parameters["rope_theta"])
    if kind not in ("default", "linear", "llama3") or parameters.get("partial_rotary_factor", 1) != 1:
        raise ExportError(f"rotary embeddings of the kind {kind} cannot be written here; {instead}")
    if kind == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(parameters["factor"])
    return _divisors(config) if kind == "llama3" else None


def _divisors(config: Any) -> NDArray[np.float32]:
    """The divisors of Llama 3's scaling, one for each frequency, from transformers itself."""
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    initial: Callable[..., Any] = ROPE_INIT_FUNCTIONS["llama3"]
    scaled = initial(config, "cpu")[0].double().numpy()
    plain = config.rope_parameters["rope_theta"] ** (-np.arange(len(scaled), dtype=np.float64) / len(scaled))
    divisors: NDArray[np.float32] = (plain / scaled).astype(np.float32)
    return divisors
