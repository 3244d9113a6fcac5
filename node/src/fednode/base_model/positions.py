"""What a base model takes: how many tokens, and which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fednode.base_model.errors import BaseModelError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def positions(model: PreTrainedModel) -> int | None:
    """Tokens, where the model has looked up a vector for each position (GPT-2); None where it computes them (rotary
    ones go on, if worse, beyond what the model has seen)."""
    config = model.config.get_text_config()
    if getattr(config, "rope_parameters", None) is not None:
        return None
    longest: int | None = getattr(config, "max_position_embeddings", None)
    return longest


def check_length(model: PreTrainedModel, sequence_length: int) -> None:
    """Raises BaseModelError if the model has fewer positions than the spec's rows may have tokens."""
    longest = positions(model)
    if longest is not None and sequence_length > longest:
        raise BaseModelError(
            f"training.sequence_length is {sequence_length}, but the base model has only {longest} positions"
        )


def embedded_tokens(model: PreTrainedModel) -> int:
    """How many tokens the model has vectors for, going in and coming out: it knows the ids below that."""
    tables = (model.get_input_embeddings(), model.get_output_embeddings())
    return min(int(table.weight.shape[0]) for table in tables)
