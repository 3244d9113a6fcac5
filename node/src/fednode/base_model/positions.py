"""How many tokens a base model takes, and which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fednode.base_model.errors import BaseModelError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def positions(model: PreTrainedModel) -> int | None:
    """The most tokens, if the model has a table with a vector for each position (GPT-2). None if it computes positions:
    rotary ones work beyond the length that the model has seen, even if not as well."""
    config = model.config.get_text_config()
    if getattr(config, "rope_parameters", None) is not None:
        return None
    longest: int | None = getattr(config, "max_position_embeddings", None)
    return longest


def seen_length(model: PreTrainedModel) -> int | None:
    """Tokens of the longest text that the model was made for, as its config says; None: it does not say."""
    longest: int | None = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return longest


def check_length(model: PreTrainedModel, sequence_length: int) -> None:
    """Raise BaseModelError if the model has fewer positions than the spec's rows may have tokens."""
    longest = positions(model)
    if longest is not None and sequence_length > longest:
        raise BaseModelError(
            f"training.sequence_length is {sequence_length}, but the base model has only {longest} positions"
        )


def embedded_tokens(model: PreTrainedModel) -> int:
    """For how many tokens the model has vectors, at its input and its output. It knows the ids below this number."""
    tables = (model.get_input_embeddings(), model.get_output_embeddings())
    return min(int(table.weight.shape[0]) for table in tables)
