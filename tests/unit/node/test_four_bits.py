"""4 bits are what they are called: what stays in 16 is counted, said and, where it is most, refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from fednode.base_model import BaseModelError, held_as, load_base, will_hold
from fednode.base_model.four_bits import SHARE, four_bits
from fednode.training import AdapterModel
from fedprotocol.spec import Lora, Quantization
from support.tiny_families import FAMILIES, WIDE, build_family
from support.tiny_spec import tiny_spec

pytestmark = pytest.mark.model

NF4 = Quantization(kind="nf4", double_quant=True, compute_dtype="bf16")
BF16 = Quantization(kind="bf16", double_quant=False, compute_dtype="bf16")
LAYERS = {
    "falcon": r"0 of 90,112 weights .* does not replace transformer\.h\.\*\.mlp\.dense_",
    "mixtral": r"24,576 of 221,696 weights .* does not replace model\.layers\.\*\.mlp\.experts\.gate_up_proj, model",
    "qwen3_moe": r"24,576 of 123,392 weights .* does not replace model\.layers\.\*\.mlp\.experts\.gate_up_proj",
    "gpt_oss": r"24,576 of 224,256 weights .* does not replace model\.layers\.\*\.mlp\.experts\.gate_up_proj",
}


@pytest.mark.parametrize("name", WIDE)
def test_a_model_whose_layers_stay_wide_is_refused_as_nf4(tmp_path: Path, name: str) -> None:
    """Before its weights are read, and by its spec at a node; in 16 bits it is loaded."""
    folder = build_family(tmp_path / name, name)
    lora = Lora(r=4, alpha=8, dropout=0.0, target_modules=WIDE[name].targets, factors="both")
    spec, _ = tiny_spec(folder, "nf4", lora=lora)
    for look in (
        lambda: will_hold(folder, NF4),
        lambda: load_base(folder, NF4, "cpu"),
        lambda: AdapterModel.load(spec, None, "cpu", 1),
    ):
        with pytest.raises(BaseModelError, match=LAYERS[name]):
            look()
    assert held_as(load_base(folder, BF16, "cpu"), BF16) == "all weights in bf16" == will_hold(folder, BF16)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_others_are_in_4_bits_as_announced(tmp_path: Path, name: str) -> None:
    from bitsandbytes.nn import Linear4bit

    folder = build_family(tmp_path / name, name)
    model = load_base(folder, NF4, "cpu")
    counted = four_bits(model, NF4.double_quant)
    layers = [module for module in model.modules() if isinstance(module, Linear4bit)]
    assert counted.values == sum(2 * layer.weight.numel() for layer in layers) == counted.weights
    state = [layer.weight.quant_state for layer in layers]
    scales = sum(one.absmax.nbytes + one.state2.absmax.nbytes for one in state)
    assert counted.stored == sum(layer.weight.nbytes for layer in layers) + scales
    assert will_hold(folder, NF4) == held_as(model, NF4) == str(counted)
    assert str(counted).startswith(f"{counted.values:,} of {counted.weights:,} weights of its layers in 4 bits (")


def test_a_few_wide_weights_are_no_broken_promise(tmp_path: Path) -> None:
    model = load_base(build_family(tmp_path / "qwen2", "qwen2"), NF4, "cpu")
    counted = four_bits(model, NF4.double_quant)
    for share, refused in ((SHARE, False), (SHARE - 0.01, True)):
        part = type(counted)(round(1000 * share), 1000, 0, ("a.*.weight",))
        if refused:
            with pytest.raises(BaseModelError, match="890 of 1,000"):
                part.check()
        else:
            part.check()
