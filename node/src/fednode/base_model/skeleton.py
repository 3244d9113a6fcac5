"""A model's config, and the model without its weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fednode.base_model.errors import BaseModelError, BaseModelMissing
from fednode.base_model.foreign_errors import AGAIN, told_as
from fednode.base_model.quiet_libraries import quiet

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def load_config(folder: Path) -> Any:
    """transformers' config of the model in `folder`.

    Raises BaseModelMissing (none, or remote code needed), BaseModelError (already quantised, no model that continues a
    text).
    """
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

    quiet()
    if not (folder / "config.json").is_file():
        raise BaseModelMissing(f"{folder}: no config.json in it; give the whole folder of a model")
    with told_as(BaseModelMissing, f"{folder}: no model that can be loaded", AGAIN):
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if getattr(config, "quantization_config", None) is not None:
        raise BaseModelError(f"{folder}: its weights are quantised already; give the unquantised model")
    if config.is_encoder_decoder or type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        kind = "an encoder with a decoder" if config.is_encoder_decoder else "of another task"
        raise BaseModelError(
            f"{folder}: a model of the type {config.model_type} is {kind}; only one that continues a text can be "
            "trained (Llama, Qwen, Phi, GPT-2 and the like): give another base model"
        )
    return config


def load_skeleton(folder: Path) -> PreTrainedModel:
    """The model without memory for its weights. Raises what `load_config` raises, and BaseModelError."""
    import torch
    from transformers import AutoModelForCausalLM

    config = load_config(folder)
    what = f"{folder}: transformers cannot build the model of its config.json"
    with told_as(BaseModelError, what, AGAIN), torch.device("meta"):
        model: PreTrainedModel = AutoModelForCausalLM.from_config(config)
    return model
