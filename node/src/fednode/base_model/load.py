"""Loads the base model into memory, only from safetensors: nothing is unpickled, and no remote code is run."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from fednode.base_model.arithmetic import arithmetic
from fednode.base_model.dequantize import repair_dequantize
from fednode.base_model.errors import BaseModelError, BaseModelMissing, DeviceMissing
from fednode.base_model.foreign_errors import AGAIN, told_as
from fednode.base_model.four_bit_check import verify
from fednode.base_model.four_bits import bits, held_as, replaced
from fednode.base_model.missing_weights import check_complete
from fednode.base_model.quantize import speed_up_quantize
from fednode.base_model.quiet_libraries import quiet
from fednode.base_model.skeleton import load_config, load_skeleton

if TYPE_CHECKING:
    import torch
    from fedprotocol.spec import Quantization
    from transformers import PreTrainedModel


SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
"""The files with the weights: one file, or several that an index names. If both exist, the one file is used, as in
transformers."""


class _Index(BaseModel):
    """The parts of model.safetensors.index.json that are used."""

    weight_map: dict[str, str]


def load_base(folder: Path, quantization: Quantization, device: str, at: str | None = None) -> PreTrainedModel:
    """The base model for `device` ("cpu" or "cuda"), frozen. `at`: the device on which its weights are put instead.

    nf4: the linear layers except the output layer are in 4 bits (bitsandbytes), the rest and all arithmetic in
    `compute_dtype`; bf16 and fp32: everything in that type. A CPU without bfloat16 computes in float32 instead, with
    the same weights. On a CPU each 4-bit layer is compared with its original. Raises DeviceMissing, BaseModelMissing,
    BaseModelError (the files are not exactly this model, weights stay wider than the spec says, or 4-bit layers hold or
    compute something else).
    """
    import torch
    from transformers import AutoModelForCausalLM, GenerationConfig

    if device not in ("cpu", "cuda"):
        raise DeviceMissing(f"[model] device is {device!r}; it must be cpu or cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise DeviceMissing("[model] device is cuda, but torch finds no CUDA device; set it to cpu")
    if device == "cuda":
        # with a batch padded to 64 tokens (modulo 128), cuDNN's attention gives NaN gradients (pytorch issue 196678)
        torch.backends.cuda.enable_cudnn_sdp(False)
    quiet()
    load_config(folder)
    files = tensor_files(folder)
    four_bit = quantization.kind == "nf4"
    if four_bit:
        skeleton = replaced(load_skeleton(folder), quantization)
        held_as(skeleton, quantization)  # refused before memory is used for it
        speed_up_quantize()
    held_in = quantization.compute_dtype if four_bit else quantization.kind
    dtype = torch.float32 if held_in == "fp32" else torch.bfloat16
    computed_in = arithmetic(dtype, device)
    model: PreTrainedModel
    with told_as(BaseModelError, f"{folder}: the base model cannot be loaded", AGAIN):
        model, report = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=dtype,
            quantization_config=bits(quantization, computed_in) if four_bit else None,
            # replaces the file's settings of sampling and stopping, which are not used
            generation_config=GenerationConfig(),
            device_map={"": at or device},
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # missing tensors are in the report, and are refused by name
        )
    check_complete(folder, model, report)
    if four_bit:
        _keep_unpacked(model)
    if computed_in != dtype:
        _widen(model, dtype, computed_in)
    if four_bit and device == "cpu":
        repair_dequantize()
        verify(model, skeleton, files)
    # with `logits_to_keep` the output layer gets a slice, for which torch.matmul would copy its weights for each row of
    # the batch
    model.get_output_embeddings().register_forward_pre_hook(lambda _, inputs: (inputs[0].contiguous(),))
    return model.requires_grad_(False)


def tensor_files(folder: Path) -> dict[str, Path]:
    """The safetensors file that holds each tensor. These are the files that transformers loads."""
    from safetensors import safe_open

    single, index = folder / SINGLE, folder / INDEX
    if not single.is_file() and not index.is_file():
        pickles = "; only safetensors are read, never pickles" if any(folder.glob("*.bin")) else ""
        raise BaseModelMissing(f"{folder}: no {SINGLE} in it{pickles}")
    files = [single]
    with told_as(BaseModelError, f"{folder}: its safetensors cannot be read", AGAIN):
        if not single.is_file():
            files = [folder / name for name in shards(index.read_bytes())]
        tensors = {}
        for file in files:
            _require_permission(file)
            with safe_open(file, framework="pt") as content:
                tensors.update(dict.fromkeys(content.keys(), file))
    return tensors


def _require_permission(file: Path) -> None:
    """safetensors says of a file that may not be read that it is not there. Raises BaseModelError."""
    try:
        file.open("rb").close()
    except PermissionError:
        raise BaseModelError(f"{file} may not be read by this account: give it the right to") from None


def shards(index: bytes) -> list[str]:
    """The files that an index names, each once. Raises ValueError if it is no index, or names a file in another
    folder."""
    names = None
    with suppress(ValidationError):
        names = set(_Index.model_validate_json(index).weight_map.values())
    if names is None:
        raise ValueError("the index has no weight_map of tensors to files")
    if elsewhere := [name for name in names if Path(name).name != name]:
        raise ValueError(f"the index names {elsewhere[0]!r:.100}, which is no file beside it")
    return sorted(names)


def _widen(model: PreTrainedModel, held: torch.dtype, wider: torch.dtype) -> None:
    """Convert every tensor of type `held` to `wider`. `Module.to` refuses to do this if some weights are in 4 bits."""
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.dtype == held:
            tensor.data = tensor.data.to(wider)


def _keep_unpacked(model: PreTrainedModel) -> None:
    """Forbid bitsandbytes' repacking of 4-bit weights for avx512_bf16 CPUs.

    It happens in place at the first evaluation, and packed weights pass on no gradients, so training would go on
    without changing anything (bitsandbytes 0.50.2, `Linear4bit.forward`).
    """
    from bitsandbytes.nn import Linear4bit

    for module in model.modules():
        if isinstance(module, Linear4bit):
            module.support_avx512bf16_for_cpu = False
