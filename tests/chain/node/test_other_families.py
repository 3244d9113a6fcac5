"""Other architectures than Llama's: GPT-2, Qwen and Phi shapes, trained, scored, exported and through real rounds."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fednode import doctor
from fednode.base_model import BaseModelError, load_base, positions, weights_digest
from fednode.cli.app import app
from fednode.cli.common import open_session
from fednode.daemon.actions import registry as do
from fednode.data import load_data
from fednode.global_model.export import export_adapter
from fednode.global_model.provenance import Provenance
from fednode.sponsor.new_spec import make
from fednode.training import AdapterModel, LayoutMismatch, TrainResult, new_adapter
from fedprotocol.numbers import quantize_global
from fedprotocol.spec import Lora, Quantization, Spec
from fedprotocol.types import Phase
from peft import PeftModel
from safetensors.torch import load_file, save_file
from support.evm import Anvil
from support.in_process_nodes import running, until
from support.sites import Prepared, Sites, choices
from support.tiny_families import FAMILIES, POSITIONS, build_family
from support.tiny_model import colour_rows, write_jsonl
from support.tiny_spec import tiny_spec
from transformers import AutoModelForCausalLM
from typer.testing import CliRunner

FP32 = Quantization(kind="fp32", double_quant=False, compute_dtype="fp32")
Folder = Callable[[str], Path]
Loaded = tuple[Spec, AdapterModel]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    built = tmp_path_factory.mktemp("families")
    return lambda name: built / name if (built / name).exists() else build_family(built / name, name)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_data(write_jsonl(tmp_path_factory.mktemp("data") / "train.jsonl", colour_rows(40)))


@pytest.fixture(scope="module")
def test_data(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_data(write_jsonl(tmp_path_factory.mktemp("data") / "test.jsonl", colour_rows(20, seed=1)))


def lora(name: str, factors: str = "both") -> Lora:
    settings = {"r": 8, "alpha": 16, "dropout": 0.0, "target_modules": FAMILIES[name].targets, "factors": factors}
    return Lora.model_validate(settings)


def load(folder: Path, kind: str = "fp32", factors: str = "both", **settings: Any) -> Loaded:
    """On the family whose folder it is."""
    spec, adapter = tiny_spec(folder, kind, lora=lora(folder.name, factors), **settings)
    model = AdapterModel.load(spec, None, "cpu", 1)
    model.set_global(adapter.units)
    return spec, model


def moved(spec: Spec, result: TrainResult) -> list[bool]:
    """Which tensors of the layout."""
    parts = np.split(result.units_delta, np.cumsum([np.prod(tensor.shape) for tensor in spec.layout.tensors])[:-1])
    return [bool(part.any()) for part in parts]


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("kind", ["nf4", "bf16"])
def test_it_learns_and_every_tensor_moves(folder: Folder, data: Any, test_data: Any, name: str, kind: str) -> None:
    spec, model = load(folder(name), kind, steps=6)
    assert {tensor.name.split(".")[-3] for tensor in spec.layout.tensors} == set(FAMILIES[name].targets)
    before = model.evaluate(spec, test_data)
    assert all(moved(spec, model.train(spec, data, 1, seed=7)))
    assert model.evaluate(spec, test_data).loss < 0.95 * before.loss
    assert {parameter.dtype for parameter in model._parameters} == {torch.float32}


@pytest.mark.parametrize("name", FAMILIES)
def test_four_bits_hold_the_weights_of_every_layer_but_the_head(folder: Folder, name: str) -> None:
    """Each the right way round: GPT-2's are stored transposed."""
    from bitsandbytes.functional import dequantize_4bit
    from bitsandbytes.nn import Linear4bit

    spec, _ = tiny_spec(folder(name), "nf4", lora=lora(name))
    plain, held = load_base(folder(name), FP32, "cpu"), load_base(folder(name), spec.quantization, "cpu")
    layers = {name: module for name, module in held.named_modules() if isinstance(module, Linear4bit)}
    assert {name.rpartition(".")[2] for name in layers} >= set(FAMILIES[name].targets)
    assert not isinstance(held.get_output_embeddings(), Linear4bit)
    for layer, module in layers.items():
        weight = plain.get_submodule(layer).weight
        weight = weight.t() if name == "gpt2" else weight
        close = dequantize_4bit(module.weight.data, module.weight.quant_state).float()
        assert torch.corrcoef(torch.stack([close.flatten(), weight.flatten()]))[0, 1] > 0.99, layer


@pytest.mark.parametrize("name", FAMILIES)
def test_losses_are_transformers_own(folder: Folder, data: Any, test_data: Any, name: str) -> None:
    """Of single rows without padding or shortened logits, with its own shift of the labels."""
    spec, model = load(folder(name), steps=1, batch_size=40)
    base = load_base(folder(name), spec.quantization, "cpu")

    def own_loss(forward: Any, row: dict[str, str], end: bool) -> tuple[float, int]:
        example = model.encoder.example(row["prompt"], row["completion"], end)
        ids = torch.tensor([example.input_ids])
        labels = ids.clone()
        labels[0, : example.prompt_length] = -100
        with torch.no_grad():
            return float(forward(input_ids=ids, labels=labels).loss), example.answer_length

    rows = [own_loss(base, row, True) for row in data]  # B is zero: the adapter changes nothing yet
    expected = sum(loss * tokens for loss, tokens in rows) / sum(tokens for _, tokens in rows)
    assert model.train(spec, data, 1, seed=0).loss_first == pytest.approx(expected, rel=1e-4)
    trained = [own_loss(model._model.eval(), row, False)[0] for row in test_data]
    assert model.evaluate(spec, test_data).loss == pytest.approx(np.mean(trained), rel=1e-4)
    assert abs(np.mean([own_loss(base, row, False)[0] for row in test_data]) / np.mean(trained) - 1) > 1e-3


@pytest.mark.parametrize("name", FAMILIES)
def test_its_factors_are_trained_in_turn_and_exported(folder: Folder, data: Any, tmp_path: Path, name: str) -> None:
    spec, model = load(folder(name), factors="alternating", steps=2, gradient_checkpointing=True)
    for number, half in ((1, ".lora_B."), (2, ".lora_A.")):
        result = model.train(spec, data, number, seed=0)
        assert moved(spec, result) == [half in tensor.name for tensor in spec.layout.tensors]
    units = quantize_global(model.values())
    model.set_global(units)
    provenance = Provenance(round=1, root=b"\1" * 32, spec_digest=b"\2" * 32, chain_id=31337, contract="0x" + "ab" * 20)
    export_adapter(spec, units, provenance, tmp_path / "adapter")
    base = AutoModelForCausalLM.from_pretrained(folder(name), dtype=torch.float32)
    ids = torch.tensor([model.encoder.prompt("a small rose")[0]])
    with torch.no_grad():
        plain = base(ids).logits
        theirs = PeftModel.from_pretrained(base, tmp_path / "adapter").eval()
        torch.testing.assert_close(theirs(ids).logits, model._model.eval()(input_ids=ids).logits)
        merged = theirs.merge_and_unload()(ids).logits
        torch.testing.assert_close(merged, model._model(input_ids=ids).logits, rtol=1e-4, atol=1e-4)
    assert (merged - plain).abs().max() > 0.1


def test_gpt2_in_the_names_of_the_hub_is_the_same_model(folder: Folder, tmp_path: Path) -> None:
    """There it was written without its head, and with the causal masks of old."""
    build_family(tmp_path / "gpt2", "gpt2")
    path = tmp_path / "gpt2/model.safetensors"
    weights = {name.removeprefix("transformer."): value for name, value in load_file(path).items()}
    mask = torch.ones(1, 1, POSITIONS, POSITIONS).tril()
    save_file({**weights, **{f"h.{n}.attn.bias": mask.clone() for n in (0, 1)}}, path, metadata={"format": "pt"})
    assert weights_digest(tmp_path / "gpt2") == weights_digest(folder("gpt2"))
    ids = torch.tensor([[1, 2, 3]])
    ours, theirs = (load_base(f, FP32, "cpu")(ids).logits for f in (tmp_path / "gpt2", folder("gpt2")))
    torch.testing.assert_close(ours, theirs)
    for name, other in (("h.1.mlp.c_fc.bias", "h.1.mlp.c_fc.bias"), ("wte.weight", "transformer.wte.weight")):
        save_file({**weights, other: weights[name] + 1}, path, metadata={"format": "pt"})
        assert weights_digest(tmp_path / "gpt2") != weights_digest(folder("gpt2")), name


def test_peft_is_not_heard_asking_how_gpt2_holds_its_weights(folder: Folder) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="fan_in_fan_out")
        load(folder("gpt2"))


def test_a_target_that_is_not_there_is_named_beside_those_that_are(folder: Folder) -> None:
    with pytest.raises(LayoutMismatch, match="no linear module q_proj; it has c_attn, c_fc, c_proj, lm_head"):
        new_adapter(
            Lora(r=4, alpha=8, dropout=0.0, target_modules=("c_attn", "q_proj"), factors="both"), str(folder("gpt2")), 0
        )


def test_rows_longer_than_the_learned_positions(folder: Folder, data: Any) -> None:
    """Which would end in an IndexError, on a GPU in worse."""
    assert {name: positions(load_base(folder(name), FP32, "cpu")) for name in FAMILIES} == {
        name: POSITIONS if name == "gpt2" else None for name in FAMILIES
    }
    said = f"sequence_length is {POSITIONS + 1}, but the base model has only {POSITIONS} positions"
    with pytest.raises(BaseModelError, match=said):
        load(folder("gpt2"), sequence_length=POSITIONS + 1)
    training = {**choices().training.model_dump(), "sequence_length": POSITIONS + 1}
    with pytest.raises(BaseModelError, match=said):
        make(choices(lora=lora("gpt2"), training=training), str(folder("gpt2")))
    spec, model = load(folder("gpt2"), sequence_length=POSITIONS, steps=1)
    model.train(spec, data, 1, seed=0)
    assert isinstance(model.generate(spec, "rose " * 500, max_new_tokens=1000), str)
    assert isinstance(load(folder("qwen2"), sequence_length=POSITIONS)[1].generate(spec, "rose", POSITIONS + 9), str)


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil() as running_chain:
        yield running_chain


def command(site: Any, *words: str) -> str:
    done = CliRunner().invoke(app, [*words, "-c", str(site.config)])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize(
    ("name", "kind", "factors"),
    [
        ("gpt2", "nf4", "b"),
        ("qwen2", "nf4", "both"),
        ("qwen3", "bf16", "both"),
        ("phi", "fp32", "both"),
        ("phi3", "bf16", "alternating"),
    ],
)
def test_a_real_round(folder: Folder, chain: Anvil, tmp_path: Path, name: str, kind: str, factors: str) -> None:
    """Two nodes train, commit, reveal, attest, propose and recompute until it is final; then what sites do with it."""
    prepared = Prepared.on(
        folder(name),
        lora=lora(name, factors),
        quantization={"kind": kind, "double_quant": True, "compute_dtype": "bf16"},
        training={**choices().training.model_dump(), "rounds": 1},
    )
    sites = Sites(chain, tmp_path, 2, config={"chain": {"poll_seconds": 0.05}}, prepared=prepared)
    coordinator = sites.coordinator
    for site in sites.sites:
        command(site, "join")
    with ExitStack() as stack:
        nodes = [stack.enter_context(running(stack.enter_context(open_session(site.config)))) for site in sites.sites]
        for count, node in enumerate(nodes, start=1):  # one after the other: a process loads no two models at once
            until(node, lambda _, count=count: coordinator.round_view(1).committed == count)
        turns = iter(range(10_000))
        while coordinator.round_view(1).phase is not Phase.CHALLENGE:
            until(nodes[next(turns) % 2], lambda _: True)
        held = "weights of its layers in 4 bits (" if kind == "nf4" else f"all weights in {kind}"
        assert re.search(rf"^model     .*{re.escape(held)}", command(sites.sites[0], "status"), re.MULTILINE)
        sites.federation.pass_time(7)
        for node in nodes:
            until(node, lambda action: isinstance(action, do.Finish))
    view = coordinator.round_view(1)
    assert (view.phase, view.accepted_mask) == (Phase.FINAL, 0b11)
    assert all(update.attested for update in coordinator.updates(1))
    scores = [record["loss"] for record in sites.sites[0].metrics("rounds.jsonl")]
    assert len(scores) == 2 and scores[1] < scores[0]
    site = sites.sites[1]
    assert f"loss {scores[1]:.3f}" in command(site, "evaluate", str(sites.sites[0].folder / "test.jsonl"))
    assert "is right" in command(site, "audit", "1", "--out", str(tmp_path / "audit"))
    with open_session(site.config) as session:
        assert held in doctor.model.model(doctor.Patient(session, site.config))
    assert command(site, "generate", "a small rose")
    command(site, "export", "--out", str(tmp_path / "adapter"))
    base = AutoModelForCausalLM.from_pretrained(folder(name), dtype=torch.float32)
    assert PeftModel.from_pretrained(base, tmp_path / "adapter").peft_config["default"].r == 8
