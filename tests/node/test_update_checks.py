"""What an attester checks of an update, at its limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from fednode.daemon.checks import BadUpdate, check_update
from fedprotocol.car import MemoryLeaves
from fedprotocol.numbers import UNIT, NumbersError, split_leaves
from fedprotocol.spec import Bounds, Layout, Spec
from support.sites import choices

K = 32


def spec(
    values: int, bits: int, max_norm: float | None = None, tensors: dict[str, int] | None = None, factors: str = "both"
) -> Spec:
    shapes = tuple({"name": name, "shape": (size,)} for name, size in (tensors or {"a": values}).items())
    layout = {"tensors": shapes, "leaf_values": K, "mantissa_bits": bits, "parts": 1}
    made = choices()
    return Spec(
        version=1,
        name="x",
        base_model={"id": "x", "revision": None, "digest": "0x" + 64 * "0"},
        lora=made.lora.model_copy(update={"factors": factors}),
        quantization=made.quantization,
        layout=Layout.model_validate(layout),
        prompt=made.prompt,
        training=made.training,
        evaluation=made.evaluation,
        bounds=Bounds(max_norm=max_norm),
        rule="fedavg",
        server_lr=1 << 16,
        genesis_root="0x" + 64 * "0",
    )


def leaves(values: np.ndarray) -> MemoryLeaves:
    return MemoryLeaves(split_leaves(values, K))


@pytest.mark.parametrize(("bits", "shift"), [(8, 0), (8, 23), (16, 15)])
def test_the_norm_is_that_of_the_decoded_values(bits: int, shift: int) -> None:
    values = np.random.default_rng(1).integers(-(2 ** (bits - 1)), 2 ** (bits - 1), 70).astype(f"i{bits // 8}")
    expected = math.sqrt(sum((int(v) << shift) ** 2 for v in values)) * UNIT
    assert check_update(leaves(values), shift, spec(70, bits), round=1) == pytest.approx(expected)


def test_the_bound_holds_to_the_last_bit() -> None:
    values = np.full(64, -128, np.int8)
    norm = check_update(leaves(values), 20, spec(64, 8), round=1)
    check_update(leaves(values), 20, spec(64, 8, max_norm=norm), round=1)
    with pytest.raises(BadUpdate, match="above the spec's bound"):
        check_update(leaves(values), 20, spec(64, 8, max_norm=math.nextafter(norm, 0)), round=1)


def test_all_zero_is_nothing_trained() -> None:
    with pytest.raises(BadUpdate, match="every value is zero"):
        check_update(leaves(np.zeros(64, np.int8)), 0, spec(64, 8), round=1)


@pytest.mark.parametrize("hidden", [63, 95])
def test_values_after_the_last_one_are_refused_also_in_a_leaf_of_padding(hidden: int) -> None:
    values = np.ones(96 if hidden > 63 else 64, np.int8)
    values[40:] = 0
    values[hidden] = 1
    if hidden > 63:
        with pytest.raises(BadUpdate, match="its tree is"):
            check_update(leaves(values), 0, spec(40, 8), round=1)
    else:
        with pytest.raises(BadUpdate, match="padding in leaf 1"):
            check_update(leaves(values), 0, spec(40, 8), round=1)
    short = np.zeros(64, np.int8)
    short[50] = 1
    with pytest.raises(BadUpdate, match="padding in leaf 1"):
        check_update(leaves(short), 0, spec(20, 8), round=1)


def test_another_federations_update_is_refused() -> None:
    with pytest.raises(BadUpdate, match="its tree is"):
        check_update(leaves(np.ones(64, np.int16)), 0, spec(64, 8), round=1)


def test_a_shift_out_of_range() -> None:
    with pytest.raises(NumbersError):
        check_update(leaves(np.ones(64, np.int8)), 24, spec(64, 8), round=1)


def test_the_largest_leaf_does_not_overflow() -> None:
    extreme = np.full(64, -(2**15), np.int16)
    assert check_update(leaves(extreme), 15, spec(64, 16), round=1) == pytest.approx(math.sqrt(64) * 2**30 * UNIT)


@pytest.mark.parametrize(
    ("factors", "round", "frozen"),
    [("b", 1, "A"), ("b", 2, "A"), ("alternating", 1, "A"), ("alternating", 2, "B"), ("both", 1, None)],
)
def test_a_factor_that_the_round_does_not_train_stays(factors: str, round: int, frozen: str | None) -> None:
    """A lies in values 0 to 39, B in 40 to 79, A again up to 119; leaves have 32."""
    tensors = {"x.lora_A.weight": 40, "x.lora_B.weight": 40, "y.lora_A.weight": 40}
    given = spec(0, 8, tensors=tensors, factors=factors)
    for at in (0, 39, 40, 79, 80, 119):
        values = np.zeros(128, np.int8)
        values[at] = 1
        if frozen == ("B" if 40 <= at < 80 else "A"):
            with pytest.raises(BadUpdate, match=f"leaf {at // K} changes a factor of LoRA that round {round} does not"):
                check_update(leaves(values), 0, given, round)
        else:
            check_update(leaves(values), 0, given, round)
