"""A frozen base model of which each process holds a part, for models that are too large for one GPU.

This is fully sharded data parallelism (Zhao et al. 2023, "PyTorch FSDP", arXiv:2304.11277) of the frozen weights alone:
the processes gather a layer's weights before it computes, and release them afterwards. The adapter is whole in every
process. bitsandbytes' bytes of 4-bit weights are sharded as numbers of the type `STORED`, its `quant_storage`; their
scales, an eighth of the bytes or less, are whole in every process too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from fednode.training.types import TrainingError

if TYPE_CHECKING:
    from peft import PeftModel
    from torch.distributed.device_mesh import DeviceMesh

STORED = torch.bfloat16


def shard(model: PeftModel, mesh: DeviceMesh) -> None:
    """Divide the layers of `model`, which is whole on the CPU, among the processes of `mesh`, and move it to their
    devices. From now on all of them must call it equally often, and go backward through it equally often.

    Raises TrainingError if the model does not say what its layers are, or 4-bit weights cannot be divided.
    """
    from torch.distributed.fsdp import fully_shard

    kinds = set(model.get_base_model()._no_split_modules or ())
    layers = [module for module in model.modules() if type(module).__name__ in kinds]
    if not layers:
        raise TrainingError("[training] shard: this model does not say what its layers are; remove shard")
    for layer in layers:
        for module in layer.modules():
            _store_as_numbers(module, mesh.device_type)
        fully_shard(layer, mesh=mesh, reshard_after_forward=True, ignored_params=_trained(layer))
    whole = {parameter for parameter in model.parameters() if not _is_divided(parameter)}
    fully_shard(model, mesh=mesh, ignored_params=whole)
    for tensor in (*whole, *model.buffers()):
        tensor.data = tensor.data.to(mesh.device_type)


def pass_idly(model: PeftModel) -> None:
    """A pass forward and, where gradients are wanted, backward, that changes nothing: for a process that has less to
    compute than the others, which wait for its parts of the weights."""
    trained = list(_trained(model))
    logits = model(input_ids=torch.zeros((1, 1), dtype=torch.int64, device=model.device), use_cache=False).logits
    if torch.is_grad_enabled():
        torch.autograd.grad(logits.sum(), trained, allow_unused=True)


def divided_bytes(model: PeftModel) -> int:
    """What this process holds of the base model's divided weights."""
    parts: list[Any] = [parameter for parameter in model.parameters() if _is_divided(parameter)]
    return sum(part.to_local().nbytes for part in parts)


def _trained(module: torch.nn.Module) -> set[torch.nn.Parameter]:
    return {parameter for parameter in module.parameters() if parameter.requires_grad}


def _is_divided(tensor: torch.Tensor) -> bool:
    from torch.distributed.tensor import DTensor

    return isinstance(tensor, DTensor)


def _store_as_numbers(module: torch.nn.Module, device: str) -> None:
    """Only tensors of floating-point numbers can be sharded. bitsandbytes finds its scales at the module."""
    from bitsandbytes.nn import Linear4bit

    if not isinstance(module, Linear4bit):
        return
    held, state = module.weight.data, module.weight.quant_state
    if held.nbytes % STORED.itemsize:
        raise TrainingError(f"[training] shard: {held.nbytes} bytes of 4-bit weights cannot be divided; remove shard")
    state.to(device)
    module.quant_state, module.quant_storage = state, STORED
    module.weight = torch.nn.Parameter(held.view(-1).view(STORED).unsqueeze(1), requires_grad=False)
