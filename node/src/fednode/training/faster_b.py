"""A larger learning rate for LoRA's factor B than for A. Hayou et al. 2024, "LoRA+: Efficient Low Rank Adaptation of
Large Models"."""

from __future__ import annotations

import torch

_OF_B = ".lora_B."


def give_b_its_rate(optimizer: torch.optim.Optimizer, model: torch.nn.Module, ratio: float) -> None:
    """Put the parameters of B into groups of their own, whose rate is `ratio` times that of the group they were in."""
    if ratio == 1:
        return
    of_b = {id(parameter) for name, parameter in model.named_parameters() if _OF_B in name}
    for group in list(optimizer.param_groups):
        moved = [parameter for parameter in group["params"] if id(parameter) in of_b]
        if moved:
            group["params"] = [parameter for parameter in group["params"] if id(parameter) not in of_b]
            optimizer.add_param_group({**group, "params": moved, "lr": group["lr"] * ratio})
