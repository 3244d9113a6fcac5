"""What an attester checks of an update, at its limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from fednode.daemon.actions.content.earlier_roots import EarlierRoots
from fednode.daemon.actions.content.update_checks import BadUpdate, check_masked, check_new, check_update
from fedprotocol.base_model import BaseModelRef
from fedprotocol.car import MemoryLeaves
from fedprotocol.chain.errors import ChainUnreachable
from fedprotocol.numbers import UNIT, NumbersError, split_leaves
from fedprotocol.spec import Bounds, Layout, Spec
from fedprotocol.types import Update
from support.sites import choices
from support.specs import BASE_MODEL

K = 32


def spec(values: int, bits: int, tensors: dict[str, int] | None = None, factors: str = "both", **bounds: float) -> Spec:
    """`bounds`: as wide as they can be, unless set."""
    shapes = tuple({"name": name, "shape": (size,)} for name, size in (tensors or {"a": values}).items())
    layout = {"tensors": shapes, "leaf_values": K, "mantissa_bits": bits, "parts": 1}
    made = choices()
    return Spec(
        version=1,
        name="x",
        base_model=BaseModelRef.model_validate(BASE_MODEL),
        lora=made.lora.model_copy(update={"factors": factors}),
        quantization=made.quantization,
        layout=Layout.model_validate(layout),
        prompt=made.prompt,
        training=made.training,
        evaluation=made.evaluation,
        bounds=Bounds.model_validate({"max_shift": 31 - bits, "max_norm": 1e9, "min_norm": 1e-9, **bounds}),
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


def test_what_is_nearly_nothing_is_refused_to_the_last_bit() -> None:
    values = np.zeros(64, np.int8)
    values[0] = 1
    norm = check_update(leaves(values), 3, spec(64, 8), round=1)
    assert check_update(leaves(values), 3, spec(64, 8, min_norm=norm), round=1) == norm == 8 * UNIT
    with pytest.raises(BadUpdate, match=r"below the spec's floor .*: nearly nothing"):
        check_update(leaves(values), 3, spec(64, 8, min_norm=math.nextafter(norm, 1)), round=1)


def test_a_shift_above_the_specs_is_refused_however_small_the_values() -> None:
    check_update(leaves(np.ones(64, np.int8)), 9, spec(64, 8, max_shift=9), round=1)
    with pytest.raises(BadUpdate, match="shift 10 is above the spec's bound 9"):
        check_update(leaves(np.ones(64, np.int8)), 10, spec(64, 8, max_shift=9), round=1)


def revealed(*roots: bytes) -> tuple[Update, ...]:
    return tuple(Update(f"client-{i}", root, 1, 0, 0, 0) for i, root in enumerate(roots))


def test_the_first_that_reveals_a_root_keeps_it() -> None:
    a, b = b"a" * 32, b"b" * 32
    updates = revealed(a, b, a, b, a)
    check_new(updates, 0, {})
    check_new(updates, 1, {})
    for index, first in ((2, 0), (3, 1), (4, 0)):
        with pytest.raises(BadUpdate, match=f"revealed before, as update {first} of client-{first}"):
            check_new(updates, index, {})


def test_a_root_of_an_earlier_round_is_refused_whoever_revealed_it() -> None:
    old, new = b"o" * 32, b"n" * 32
    for updates in (revealed(old, new), revealed(new, old)):
        for index, update in enumerate(updates):
            if update.root == new:
                check_new(updates, index, {old: 3})
                continue
            with pytest.raises(BadUpdate, match="revealed in round 3 already"):
                check_new(updates, index, {old: 3})


class Rounds:
    """A coordinator of which only the updates of rounds are read; `fails` are rounds that it does not answer for."""

    def __init__(self, rounds: dict[int, tuple[Update, ...]]) -> None:
        self.rounds = rounds
        self.fails: set[int] = set()
        self.asked: list[int] = []

    def updates(self, number: int) -> tuple[Update, ...]:
        self.asked.append(number)
        if number in self.fails:
            raise ChainUnreachable("no answer")
        return self.rounds[number]


def test_the_roots_of_earlier_rounds_are_read_once() -> None:
    chain = Rounds({1: revealed(b"1" * 32, b"2" * 32), 2: (), 3: revealed(b"3" * 32)})
    earlier = EarlierRoots(chain)
    assert earlier.before(1) == {}
    assert earlier.before(3) == {b"1" * 32: 1, b"2" * 32: 1}
    assert earlier.before(4) == {b"1" * 32: 1, b"2" * 32: 1, b"3" * 32: 3}
    assert earlier.before(3) == {b"1" * 32: 1, b"2" * 32: 1}
    assert chain.asked == [2, 1, 3]


def test_a_round_that_cannot_be_read_stops_nothing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = Rounds({1: revealed(b"1" * 32), 2: revealed(b"2" * 32)})
    chain.fails = {1}
    now = 1000.0
    monkeypatch.setattr("fednode.daemon.actions.content.earlier_roots.time.monotonic", lambda: now)
    earlier = EarlierRoots(chain)
    assert earlier.before(3) == {b"2" * 32: 2}
    assert "cannot be read: no answer" in caplog.text
    assert earlier.before(3) == {b"2" * 32: 2}
    assert chain.asked == [2, 1], "asked again at once: an endpoint that hangs would cost every update its time"
    chain.fails, now = set(), now + 61
    assert earlier.before(3) == {b"1" * 32: 1, b"2" * 32: 2}


def test_many_rounds_on_a_slow_endpoint_are_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = Rounds({number: revealed(bytes([number]) * 32) for number in range(1, 6)})
    now = 0.0

    def updates(number: int) -> tuple[Update, ...]:
        nonlocal now
        now += 15
        return chain.rounds[number]

    monkeypatch.setattr("fednode.daemon.actions.content.earlier_roots.time.monotonic", lambda: now)
    monkeypatch.setattr(chain, "updates", updates)
    earlier = EarlierRoots(chain)
    assert set(earlier.before(6).values()) == {4, 5}, "the newest first"
    now += 61
    assert set(earlier.before(6).values()) == {2, 3, 4, 5}


def test_what_a_masked_update_may_not_change() -> None:
    """Masks are over all leaves but those that hold factor A alone: of 80 values of A, one leaf is shared with B."""
    masked = spec(96, 16, {"q.lora_A.weight": 80, "q.lora_B.weight": 16}, factors="b")
    values = np.zeros(96, np.int16)
    values[64:] = 7
    check_masked(leaves(values), masked, round=1)
    values[63] = 1
    with pytest.raises(BadUpdate, match="leaf 1 changes a factor of LoRA that round 1 does not train"):
        check_masked(leaves(values), masked, round=1)
    check_masked(leaves(values), spec(96, 16), round=1)
