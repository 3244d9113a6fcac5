"""The frozen base model: where it comes from, what its digest is, and how it is loaded."""

from fednode.base_model.digest import weights_digest
from fednode.base_model.errors import (
    BaseModelError,
    BaseModelMismatch,
    BaseModelMissing,
    BaseModelPartial,
    DeviceMissing,
)
from fednode.base_model.four_bits import held_as, will_hold
from fednode.base_model.gguf import convert_gguf
from fednode.base_model.identity import Identity, check_model, check_tokenizer, identity_of
from fednode.base_model.load import load_base
from fednode.base_model.positions import check_length, embedded_tokens, positions, seen_length
from fednode.base_model.skeleton import load_skeleton
from fednode.base_model.source import commit_of, locate
from fednode.base_model.tokenizer import load_tokenizer

__all__ = [
    "BaseModelError",
    "BaseModelMismatch",
    "BaseModelMissing",
    "BaseModelPartial",
    "DeviceMissing",
    "Identity",
    "check_length",
    "check_model",
    "check_tokenizer",
    "commit_of",
    "convert_gguf",
    "embedded_tokens",
    "held_as",
    "identity_of",
    "load_base",
    "load_skeleton",
    "load_tokenizer",
    "locate",
    "positions",
    "seen_length",
    "weights_digest",
    "will_hold",
]
