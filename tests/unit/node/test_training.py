"""Real training of the tiny model: NF4, bfloat16 and float32 under one float32 adapter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fednode.base_model import load_base
from fednode.data import load_data
from fednode.data.plain_text import EncodingError
from fednode.data.tokens_at_once import MOST_TOKENS
from fednode.evaluation.run import score
from fednode.sponsor.bounds import ChosenBounds
from fednode.training import AdapterModel, Diverged, NotFinite, StepRecord, TrainingError, ZeroDelta
from fednode.training.look_ahead import ahead
from fednode.training.optimizers import FACTORED
from fednode.training.rows_apart import keeps_rows_apart
from fednode.training.schedule import learning_rate
from fednode.training.update import moved
from fedprotocol.numbers import UNIT, quantize_global
from fedprotocol.spec import Evaluation, Lora, Spec
from support.device import DEVICE
from support.tiny_model import CLASSES, colour_rows, write_jsonl
from support.tiny_spec import LORA, tiny_spec

pytestmark = pytest.mark.model

BY_HAND = ChosenBounds(max_norm=1.0, min_norm=1e-6)
KINDS = ("nf4", "bf16", "fp32")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_data(write_jsonl(tmp_path_factory.mktemp("data") / "train.jsonl", colour_rows(120)))


@pytest.fixture(scope="module")
def test_data(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_data(write_jsonl(tmp_path_factory.mktemp("data") / "test.jsonl", colour_rows(40, seed=1)))


Loaded = Callable[..., tuple[Spec, AdapterModel]]


@pytest.fixture
def loaded(tiny_folder: Path) -> Loaded:
    def load(kind: str = "fp32", **settings: Any) -> tuple[Spec, AdapterModel]:
        spec, adapter = tiny_spec(tiny_folder, kind, **settings)
        model = AdapterModel.load(spec, None, DEVICE, 1)
        model.set_global(adapter.units)
        np.testing.assert_array_equal(quantize_global(model.values()), adapter.units)
        return spec, model

    return load


@pytest.mark.parametrize("kind", KINDS)
def test_training_learns_also_after_an_evaluation(loaded: Loaded, data: Any, test_data: Any, kind: str) -> None:
    """On a CPU with avx512_bf16, bitsandbytes repacks NF4 weights at the first evaluation; no gradient passes them."""
    spec, model = loaded(kind)
    before = model.evaluate(spec, test_data)
    losses = [before.loss]
    for number in (1, 2):
        start = model.values()
        result = model.train(spec, data, number, seed=7)
        change = model.values().astype(np.float64) - start
        np.testing.assert_array_equal(result.units_delta, change * 2**24)
        parts = np.split(change, np.cumsum([np.prod(tensor.shape) for tensor in spec.layout.tensors])[:-1])
        assert all(part.any() for part in parts), "a tensor did not move"
        losses.append(model.evaluate(spec, test_data).loss)
    assert losses[0] > losses[1] > losses[2]
    assert losses[2] < 0.75 * losses[0]


def test_four_bit_weights_stay_as_they_were_through_an_evaluation(loaded: Loaded, test_data: Any) -> None:
    from bitsandbytes.nn import Linear4bit

    spec, model = loaded("nf4")
    layers = [module for module in model._model.modules() if isinstance(module, Linear4bit)]
    assert len(layers) == 14
    before = [layer.weight.data.clone() for layer in layers]
    model.evaluate(spec, test_data)
    model.generate(spec, "a small rose", 3)
    assert all(torch.equal(layer.weight.data, kept) for layer, kept in zip(layers, before, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_the_adapter_stays_float32(loaded: Loaded, data: Any, kind: str) -> None:
    spec, model = loaded(kind, steps=1)
    model.train(spec, data, 1, seed=0)
    assert {parameter.dtype for parameter in model._parameters} == {torch.float32}
    trainable = [p for p in model._model.parameters() if p.requires_grad]
    assert sum(p.numel() for p in trainable) == spec.layout.value_count


def test_nothing_is_written_to_disk(loaded: Loaded, data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    spec, model = loaded(steps=1)
    model.train(spec, data, 1, seed=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"optimizer": "adamw_torch_fused"},
        {"optimizer": FACTORED, "rate_ratio_b": 2.0, "look_ahead": 0.5},
        {"optimizer": "adafactor", "bounds": BY_HAND},
        {"optimizer": "lion_32bit", "rate_ratio_b": 2.0},
        {"optimizer": "sgd", "learning_rate": 0.1, "look_ahead": 0.5},
    ],
    ids=lambda settings: settings.get("optimizer", "adamw_torch"),
)
def test_the_same_seed_gives_the_same_update(loaded: Loaded, data: Any, settings: dict[str, Any]) -> None:
    dropout = Lora(r=8, alpha=16, dropout=0.2, target_modules=LORA.target_modules, factors="both")
    spec, model = loaded("fp32" if settings else "nf4", lora=dropout, **{"steps": 2, **settings})
    genesis = quantize_global(model.values())
    now = moved(genesis, model.train(spec, data, 1, seed=4).units_delta)
    share, runs = spec.training.look_ahead, []
    for number, seed in ((1, 5), (1, 5), (2, 5), (1, 6)):
        model.set_global(now)
        torch.rand(3)  # whatever else the process drew meanwhile
        start = ahead(now, genesis, share) if share else None
        runs.append(model.train(spec, data, number, seed, start=start).units_delta)
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (runs[0] != runs[2]).any()
    assert (runs[0] != runs[3]).any()


def test_accumulation_and_checkpointing_change_memory_not_the_update(loaded: Loaded, data: Any) -> None:
    deltas = []
    for settings in (
        {"batch_size": 8, "gradient_accumulation": 1},
        {"batch_size": 2, "gradient_accumulation": 4},
        {"batch_size": 8, "gradient_accumulation": 1, "gradient_checkpointing": True},
    ):
        spec, model = loaded("fp32", steps=2, optimizer="sgd", learning_rate=0.05, **settings)
        result = model.train(spec, data, 1, seed=3)
        deltas.append((result.units_delta, [(step.tokens, round(step.loss, 4)) for step in result.steps]))
    scale = np.abs(deltas[0][0]).max()
    for delta, steps in deltas[1:]:
        assert steps == deltas[0][1]
        assert np.abs(delta - deltas[0][0]).max() < 1e-4 * scale


def test_steps_are_recorded_and_progress_is_told(
    loaded: Loaded, data: Any, capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, model = loaded("nf4", steps=3, schedule="cosine", final_learning_rate_ratio=0.1)
    monkeypatch.chdir(tmp_path)
    capfd.readouterr()
    told: list[tuple[int, int]] = []
    records: list[StepRecord] = []
    result = model.train(spec, data, 2, 1, lambda done, of: told.append((done, of)), records.append)
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert records == result.steps
    assert [record.step for record in records] == [1, 2, 3]
    assert {record.lr for record in records} == {learning_rate(spec.training, 2)}
    assert all(record.seconds > 0 and 40 < record.tokens < 8 * 48 for record in records)
    assert (result.loss_first, result.loss_last) == (records[0].loss, records[-1].loss)
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_the_loss_of_a_step_is_transformers_own(loaded: Loaded, tiny_folder: Path, tmp_path: Path) -> None:
    """One row a step, so that the order does not matter; transformers' loss on it, unpadded, with its own shift."""
    rows = [{"prompt": "a small rose", "completion": " red", "domain": "x"}]
    data = load_data(write_jsonl(tmp_path / "one.jsonl", rows))
    spec, model = loaded("fp32", steps=1, batch_size=1)
    base = load_base(tiny_folder, spec.quantization, DEVICE)
    example = model.encoder.example("a small rose", " red")
    ids = torch.tensor([example.input_ids], device=DEVICE)
    labels = ids.clone()
    labels[0, : example.prompt_length] = -100
    expected = float(base(input_ids=ids, labels=labels).loss)  # B is zero: the adapter changes nothing yet
    assert model.train(spec, data, 1, 0).loss_first == pytest.approx(expected, rel=1e-4)


def test_evaluation_agrees_with_one_item_at_a_time(loaded: Loaded, data: Any, test_data: Any) -> None:
    spec, model = loaded("fp32")
    model.train(spec, data, 1, seed=0)
    found = model.evaluate(spec, test_data)
    peft_model = model._model.eval()
    losses, right, firsts = [], [], model.encoder.first_tokens(CLASSES)
    for row in test_data:
        asked, _ = model.encoder.prompt(row["prompt"])
        answer = model.encoder.example(row["prompt"], row["completion"], end=False).input_ids[len(asked) :]
        with torch.no_grad():
            logits = peft_model(input_ids=torch.tensor([asked + answer], device=DEVICE)).logits[0].log_softmax(-1)
        losses.append(-np.mean([float(logits[len(asked) + i - 1, token]) for i, token in enumerate(answer)]))
        right.append(CLASSES[int(logits[len(asked) - 1][firsts].argmax())] == row["completion"])
    assert found.loss == pytest.approx(np.mean(losses), rel=1e-4)
    assert found.accuracy == np.mean(right)
    assert found.accuracy > 0
    assert found.items == len(test_data) == sum(part.items for part in found.by_domain.values())
    weighted = sum(part.loss * part.items for part in found.by_domain.values()) / found.items
    assert weighted == pytest.approx(found.loss)


def test_an_answer_that_is_no_class_is_never_right(loaded: Loaded, tmp_path: Path) -> None:
    spec, model = loaded("fp32")
    rows = [{"prompt": "a small rose", "completion": " purple", "domain": "x"}] * 3
    assert model.evaluate(spec, load_data(write_jsonl(tmp_path / "d.jsonl", rows))).accuracy == 0.0


def test_without_classes_there_is_a_loss_only(loaded: Loaded, test_data: Any) -> None:
    spec, model = loaded("fp32", evaluation=Evaluation(classes=None))
    told: list[tuple[int, int]] = []
    evaluation = model.evaluate(spec, test_data, lambda done, of: told.append((done, of)))
    assert evaluation.accuracy is None
    assert told[-1] == (40, 40)


def test_classes_that_begin_alike_are_an_error_at_load(tiny_folder: Path) -> None:
    spec, _ = tiny_spec(tiny_folder, evaluation=Evaluation(classes=(" red", " red deer")))
    with pytest.raises(EncodingError, match="same token"):
        AdapterModel.load(spec, None, "cpu", 1)


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"learning_rate": 3e38, "optimizer": "sgd", "max_grad_norm": 1e9, "bounds": BY_HAND}, NotFinite, "lower the"),
        ({"learning_rate": 1e3, "steps": 1}, Diverged, "128"),
        ({"learning_rate": 1e-14}, ZeroDelta, "changed no weight"),
        ({"optimizer": "adamw_nonsense", "bounds": BY_HAND}, TrainingError, "adamw_nonsense"),
    ],
)
def test_a_failed_training_leaves_the_adapter_as_it_was(
    loaded: Loaded, data: Any, settings: dict[str, Any], error: type[Exception], said: str
) -> None:
    spec, model = loaded("nf4", **{"steps": 3, **settings})
    before = model.values()
    with pytest.raises(error, match=said):
        model.train(spec, data, 1, seed=0)
    np.testing.assert_array_equal(model.values(), before)


def test_poisoned_base_activations_are_noticed(loaded: Loaded, data: Any, test_data: Any) -> None:
    spec, model = loaded("fp32")
    with torch.no_grad():
        model._model.get_base_model().model.norm.weight[0] = float("nan")
    with pytest.raises(NotFinite, match="loss of step 1 is nan"):
        model.train(spec, data, 1, seed=0)
    with pytest.raises(NotFinite, match="test data"):
        model.evaluate(spec, test_data)


def test_training_can_be_stopped_and_taken_up_again(loaded: Loaded, data: Any) -> None:
    class StopHere(Exception):
        pass

    def stop(done: int, _: int) -> None:
        if done == 2:
            raise StopHere

    spec, model = loaded("nf4", steps=3)
    before = model.values()
    with pytest.raises(StopHere):
        model.train(spec, data, 1, 0, stop)
    np.testing.assert_array_equal(model.values(), before)
    assert np.abs(model.train(spec, data, 1, 0).units_delta).max() > 1


def test_few_rows_are_repeated_and_long_ones_counted(loaded: Loaded, tmp_path: Path) -> None:
    rows = [{"prompt": "rose " * 200, "completion": " red", "domain": "x"}, *colour_rows(1)]
    data = load_data(write_jsonl(tmp_path / "d.jsonl", rows))
    spec, model = loaded("fp32", steps=3, batch_size=8)
    result = model.train(spec, data, 1, 0)
    assert (len(result.steps), result.truncated) == (3, 1)
    with pytest.raises(TrainingError, match="no rows"):
        model.train(spec, data.select([]), 1, 0)


def test_generate_answers_in_the_template(loaded: Loaded, data: Any) -> None:
    spec, model = loaded("nf4", steps=25, learning_rate=3e-2)
    model.train(spec, data, 1, seed=0)
    answers = {model.generate(spec, f"a small {thing}", 4) for thing in ("rose", "grass", "sky", "snow")}
    assert answers <= {name.strip() for name in CLASSES}
    assert isinstance(model.generate(spec, "rose " * 500, 2), str)


def test_packed_and_padded_batches_train_alike(loaded: Loaded, data: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one pack or in several, with FedProx and accumulation too, whose pull counts once a step."""
    spec, model = loaded("fp32", steps=3, batch_size=8, gradient_accumulation=2, proximal_mu=1.0)
    results = []
    start = model.values()
    for packs, most in ((0, 0), (1, 512), (8, 1)):
        model.set_values(start)
        with monkeypatch.context() as patch:
            patch.setattr(model._batches, "packs", packs > 0)
            patch.setitem(MOST_TOKENS, DEVICE, most)
            batch = model._batches.for_training([model.encoder.example("a rose", "red")] * 8)
            assert len(batch.get("packs", [])) == packs
            results.append(model.train(spec, data, 1, seed=0))
    theirs = results.pop(0)
    for ours in results:
        assert [step.tokens for step in ours.steps] == [step.tokens for step in theirs.steps]
        np.testing.assert_allclose([s.loss for s in ours.steps], [s.loss for s in theirs.steps], rtol=1e-4)
        assert np.linalg.norm(ours.units_delta - theirs.units_delta) < 0.02 * np.linalg.norm(theirs.units_delta)


@pytest.mark.parametrize("optimizer", ["lomo", "galore_adamw_layerwise"])
def test_an_optimiser_that_steps_inside_the_backward_pass_is_refused(loaded: Loaded, data: Any, optimizer: str) -> None:
    spec, model = loaded("fp32", optimizer=optimizer, bounds=BY_HAND)
    with pytest.raises(TrainingError, match="inside the backward pass"):
        model.train(spec, data, 1, 0)


def test_a_model_that_mixes_packed_rows_is_found_out(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import masking_utils

    _, model = loaded("fp32")
    assert keeps_rows_apart(model._model, model._batches.accepted)
    assert not keeps_rows_apart(model._model, ["input_ids", "position_ids"])
    monkeypatch.setattr(masking_utils, "find_packed_sequence_indices", lambda _: None)
    assert not keeps_rows_apart(model._model, model._batches.accepted)


def test_score_keeps_the_order_of_items(loaded: Loaded, test_data: Any) -> None:
    _, model = loaded("fp32")
    examples = list(model._kept.examples(test_data))
    together = score(model._batches.logits, examples, ["x"] * 40, None, model._batches.padded, None)
    alone = [
        score(model._batches.logits, [example], ["x"], None, model._batches.padded, None)[0] for example in examples
    ]
    np.testing.assert_allclose([item.loss for item in together], [item.loss for item in alone], rtol=1e-4)


def test_look_ahead_begins_ahead_and_counts_from_the_global(loaded: Loaded, data: Any) -> None:
    """What is sent is the way ahead and what training does from there: that of a global which is there already."""
    spec, model = loaded("fp32", steps=2, look_ahead=0.5)
    before = quantize_global(model.values())
    now = moved(before, model.train(spec, data, 1, seed=0).units_delta) & ~1  # so that half of a way is on the grid
    before &= ~1
    model.set_global(now)
    sent = model.train(spec, data, 2, seed=0, start=ahead(now, before, 0.5))
    there = now + (now - before) // 2
    model.set_global(there)
    from_there = model.train(spec, data, 2, seed=0)
    np.testing.assert_array_equal(sent.units_delta, from_there.units_delta + (there - now))
    assert sent.steps[0].loss == from_there.steps[0].loss and (there != now).mean() > 0.9


def test_look_ahead_moves_only_what_the_round_trains(loaded: Loaded, data: Any) -> None:
    spec, model = loaded("fp32", steps=1, lora=Lora.model_validate({**LORA.model_dump(), "factors": "b"}))
    sent = model.train(spec, data, 1, seed=0, start=model.values() + np.float32(0.003))
    a, b = halves(spec, sent.units_delta)
    assert not a.any() and b.all()


def test_where_no_gradient_comes_looking_ahead_is_no_training(loaded: Loaded, data: Any) -> None:
    spec, model = loaded("fp32", learning_rate=1e-14)
    with pytest.raises(ZeroDelta, match="changed no weight"):
        model.train(spec, data, 1, seed=0, start=model.values() + np.float32(0.01))


@pytest.mark.parametrize("optimizer", ["adamw_torch", "lion_32bit"])
def test_b_moves_faster_by_the_ratio(loaded: Loaded, data: Any, optimizer: str) -> None:
    """Both optimisers' first step is one learning rate for every value that has a gradient."""
    spec, model = loaded("fp32", steps=1, optimizer=optimizer, learning_rate=1e-3, rate_ratio_b=3.0)
    model.train(spec, data, 1, seed=0)  # until then B is zero, and so is the gradient of A
    a, b = halves(spec, np.abs(model.train(spec, data, 2, seed=0).units_delta) * UNIT)
    assert (np.median(a), np.median(b)) == pytest.approx((1e-3, 3e-3), rel=1e-3)
    assert a.max() <= 1.001e-3 and b.max() <= 3.003e-3


def halves(spec: Spec, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values of all A and of all B."""
    parts = np.split(values, np.cumsum([np.prod(tensor.shape) for tensor in spec.layout.tensors])[:-1])
    named = list(zip((tensor.name for tensor in spec.layout.tensors), parts, strict=True))
    return tuple(np.concatenate([part for name, part in named if f".lora_{half}." in name]) for half in "AB")


@pytest.mark.parametrize(
    ("factors", "trained"), [("both", ["AB", "AB", "AB"]), ("b", ["B", "B", "B"]), ("alternating", ["B", "A", "B"])]
)
def test_only_the_rounds_factors_are_trained(loaded: Loaded, data: Any, factors: str, trained: list[str]) -> None:
    lora = Lora.model_validate({**LORA.model_dump(), "factors": factors})
    spec, model = loaded("fp32", lora=lora, steps=2, weight_decay=0.1)
    for number, expected in enumerate(trained, start=1):
        a, b = halves(spec, model.train(spec, data, number, seed=1).units_delta)
        assert "".join(name for name, half in (("A", a), ("B", b)) if half.any()) == expected
        assert all(parameter.requires_grad for parameter in model._parameters)


def test_the_mean_of_products_is_the_product_of_means_if_one_factor_is_frozen(loaded: Loaded, data: Any) -> None:
    """Why FFA-LoRA: what the sites' adapters do on average is what their averaged adapter does."""

    def error(factors: str) -> float:
        lora = Lora.model_validate({**LORA.model_dump(), "factors": factors})
        spec, model = loaded("fp32", lora=lora, steps=4)
        start, products, values = quantize_global(model.values()), [], []
        for seed in (1, 2):
            model.set_global(start)
            model.train(spec, data, 1, seed)
            values.append(model.values())
            products.append(product(spec, values[-1]))
        mean = (products[0] + products[1]) / 2
        return float(np.linalg.norm(product(spec, (values[0] + values[1]) / 2) - mean) / np.linalg.norm(mean))

    def product(spec: Spec, values: np.ndarray) -> np.ndarray:
        parts = np.split(values.astype(np.float64), np.cumsum([np.prod(t.shape) for t in spec.layout.tensors])[:-1])
        first = [part.reshape(t.shape) for part, t in zip(parts, spec.layout.tensors, strict=True)][:2]
        return first[1] @ first[0]

    assert error("b") < 1e-6
    assert error("both") > 1e-3


def test_fedprox_is_the_gradient_of_its_objective(loaded: Loaded, tmp_path: Path) -> None:
    """SGD on one row, by hand: w2 = w1 - lr (g(w1) + mu (w1 - w0)), over whole and over accumulated steps."""
    rows = [{"prompt": "a small rose", "completion": " red", "domain": "x"}] * 4
    data = load_data(write_jsonl(tmp_path / "one.jsonl", rows))
    rate, mu = 0.05, 3.0
    settings = {"optimizer": "sgd", "learning_rate": rate, "max_grad_norm": 1e9, "batch_size": 2}
    for accumulation in (1, 2):
        trained = {}
        for pull, steps in ((0.0, 1), (0.0, 2), (mu, 1), (mu, 2)):
            spec, model = loaded("fp32", steps=steps, proximal_mu=pull, gradient_accumulation=accumulation, **settings)
            trained[pull, steps] = model.train(spec, data, 1, seed=0).units_delta
        first = trained[0.0, 1]
        np.testing.assert_array_equal(trained[mu, 1], first)  # at the start there is nothing to pull back
        expected = trained[0.0, 2] - rate * mu * first
        assert np.abs(trained[mu, 2] - expected).max() < 2e-4 * np.abs(first).max()
        assert np.abs(trained[0.0, 2] - expected).max() > 0.1 * np.abs(first).max()
