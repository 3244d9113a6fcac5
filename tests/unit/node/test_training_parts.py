"""The pure parts of training: schedule, seeds, layout, grid, scores."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from fednode.base_model import load_skeleton
from fednode.evaluation.loss import answer_loss, token_losses
from fednode.evaluation.score import Evaluation, ItemScore, summarize, together
from fednode.training import LayoutMismatch, new_adapter
from fednode.training.adapter import attach, changed_units, check_layout, layout_of, read_values, write_units
from fednode.training.schedule import learning_rate, round_seed
from fedprotocol.numbers import UNIT, NumbersError, dequantize_global
from fedprotocol.spec import Lora, Tensor
from support.tiny_spec import LORA

pytestmark = pytest.mark.model


@dataclass(frozen=True)
class Settings:
    rounds: int = 4
    learning_rate: float = 2e-3
    schedule: str = "cosine"
    final_learning_rate_ratio: float = 0.1


def test_the_cosine_runs_across_rounds() -> None:
    rates = [learning_rate(Settings(), n) for n in range(1, 8)]
    assert rates[0] == 2e-3
    assert rates[2] == pytest.approx(2e-3 * (0.1 + 0.9 / 2))
    assert rates[0] > rates[1] > rates[2] > rates[3] > 2e-4
    assert rates[3:] == [rates[3]] * 4
    assert learning_rate(Settings(rounds=1, final_learning_rate_ratio=0.0), 1) == 2e-3
    assert learning_rate(Settings(final_learning_rate_ratio=0.0), 4) > 0
    assert {learning_rate(Settings(schedule="constant"), n) for n in range(1, 8)} == {2e-3}


def test_seeds_differ_by_node_and_by_round() -> None:
    seeds = {round_seed(seed, n) for seed in range(50) for n in range(1, 51)}
    assert len(seeds) == 2500
    assert all(0 <= seed < 2**31 for seed in seeds)


@pytest.mark.parametrize("r", [8, 64])  # at 64, A and B of q_proj are square: a transpose would fit and not be noticed
def test_the_layout_is_the_order_and_the_shapes(tiny_folder: Path, r: int) -> None:
    lora = Lora(r=r, alpha=16, dropout=0.0, target_modules=("q_proj", "v_proj"), factors="both")
    adapter = new_adapter(lora, str(tiny_folder), seed=3)
    names = [tensor.name for tensor in adapter.tensors]
    assert names == sorted(names)
    shapes = {tensor.name.split("layers.")[1]: tensor.shape for tensor in adapter.tensors}
    assert shapes["0.self_attn.q_proj.lora_A.weight"] == (r, 64)
    assert shapes["0.self_attn.q_proj.lora_B.weight"] == (64, r)
    assert shapes["0.self_attn.v_proj.lora_B.weight"] == (32, r)
    parameters = [torch.nn.Parameter(torch.zeros(tensor.shape)) for tensor in adapter.tensors]
    units = np.arange(len(adapter.units), dtype=np.int32)
    write_units(parameters, units)
    start = 0
    for parameter in parameters:
        rows, columns = parameter.shape
        assert parameter[1, 2].item() == (start + columns + 2) * UNIT  # C order, not its transpose
        start += rows * columns
    np.testing.assert_array_equal(read_values(parameters), dequantize_global(units))


def test_units_are_written_exactly_or_not_at_all() -> None:
    parameters = [torch.nn.Parameter(torch.zeros(2, 3)), torch.nn.Parameter(torch.zeros(4))]
    edge = np.array([-(2**31), 2**31 - 1, 2**24, 2**24 - 1, -(2**24), 1, -1, 0, 3, 2**30], dtype=np.int32)
    write_units(parameters, edge)
    assert read_values(parameters)[2:].tolist() == [unit * UNIT for unit in edge[2:].tolist()]
    assert read_values(parameters)[:2].tolist() == [-128.0, 128.0]
    for wrong in (edge[:9], np.append(edge, edge[:1]), edge.astype(np.int64), edge[:1], edge.reshape(2, 5)):
        with pytest.raises(NumbersError):
            write_units(parameters, wrong)
    assert read_values(parameters)[:2].tolist() == [-128.0, 128.0]


def test_a_delta_is_what_changed() -> None:
    before = dequantize_global(np.array([5, 2**25 + 1, -7], dtype=np.int32))
    after = before.copy()
    after[0] += np.float32(3 * UNIT)
    assert changed_units(before, after).tolist() == [3.0, 0.0, 0.0]


def test_the_first_values_are_those_of_lora(tiny_folder: Path) -> None:
    adapter = new_adapter(LORA, str(tiny_folder), seed=3)
    values = dequantize_global(adapter.units)
    start = 0
    for tensor in adapter.tensors:
        part = values[start : start + math.prod(tensor.shape)]
        start += part.size
        if ".lora_B." in tensor.name:
            assert not part.any()
        else:
            bound = 1 / math.sqrt(tensor.shape[1])  # kaiming_uniform with a = sqrt(5)
            assert 0.9 * bound < np.abs(part).max() <= bound
            assert part.std() == pytest.approx(bound / math.sqrt(3), rel=0.15)
    assert start == values.size
    again, other = new_adapter(LORA, str(tiny_folder), seed=3), new_adapter(LORA, str(tiny_folder), seed=4)
    assert (again.units == adapter.units).all()
    assert (other.units != adapter.units).any()


def test_another_layout_is_refused_and_named(tiny_folder: Path) -> None:
    model = attach(load_skeleton(tiny_folder), LORA)
    layout = layout_of(model)
    check_layout(model, layout[::-1])  # any order, as long as the spec's is kept to
    with pytest.raises(LayoutMismatch, match="is absent on this base model, 2x2 in the spec"):
        check_layout(model, [*layout, Tensor(name="a.lora_A.weight", shape=(2, 2))])
    with pytest.raises(LayoutMismatch, match=r"is 8x128 on this base model, absent"):
        check_layout(model, layout[1:])
    with pytest.raises(LayoutMismatch, match=r"is 8x128 on this base model, 128x8"):
        check_layout(model, [Tensor(name=layout[0].name, shape=layout[0].shape[::-1]), *layout[1:]])


def test_losses_are_torchs() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(3, 7, 11), torch.randint(0, 11, (3, 4))
    labels[0, :3] = labels[2, :2] = -100
    expected = torch.nn.functional.cross_entropy(logits[:, 3:-1].flatten(0, 1), labels[:, 1:].flatten())
    count = int((labels[:, 1:] != -100).sum())
    assert float(token_losses(logits, labels).sum() / count) == pytest.approx(float(expected))

    @dataclass
    class Outputs:
        logits: torch.Tensor

    parts = [float(answer_loss(Outputs(logits[i : i + 1]), labels[i : i + 1], count)) for i in range(3)]
    assert sum(parts) == pytest.approx(float(expected))


def test_parts_weighted_by_items_make_the_whole() -> None:
    scores = [(1.0, True, "a"), (3.0, False, "b"), (5.0, False, "b"), (7.0, True, None)]
    items = [ItemScore(*score) for score in scores]
    whole = summarize(items)
    assert (whole.loss, whole.accuracy, whole.items) == (4.0, 0.5, 4)
    assert {name: (part.loss, part.accuracy, part.items) for name, part in whole.by_domain.items()} == {
        "a": (1.0, 1.0, 1),
        "b": (4.0, 0.0, 2),
    }
    assert summarize([ItemScore(1.0, None, None)]).accuracy is None
    for cut in (1, 2, 3):
        assert together([summarize(items[:cut]), summarize(items[cut:])]) == whole
    assert together([summarize([ItemScore(loss, None, None)]) for loss in (1.0, 3.0)]) == Evaluation(2.0, None, 2, {})
