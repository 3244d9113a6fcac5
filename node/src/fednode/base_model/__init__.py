"""The frozen base model: where it comes from, what its digest is, and how it is loaded."""

from fednode.base_model.digest import weights_digest
from fednode.base_model.errors import BaseModelError, BaseModelMismatch, BaseModelMissing, DeviceMissing
from fednode.base_model.load import load_base, load_skeleton, load_tokenizer
from fednode.base_model.positions import check_length, positions
from fednode.base_model.source import commit_of, convert_gguf, locate

__all__ = [
    "BaseModelError",
    "BaseModelMismatch",
    "BaseModelMissing",
    "DeviceMissing",
    "check_length",
    "commit_of",
    "convert_gguf",
    "load_base",
    "load_skeleton",
    "load_tokenizer",
    "locate",
    "positions",
    "weights_digest",
]
