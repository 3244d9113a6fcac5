"""The spec: what is accepted, what is refused and how it is said, and what must agree with the contract."""

from __future__ import annotations

import copy
import hashlib
import json
import re
import time
import tracemalloc
from dataclasses import dataclass, replace
from resource import RUSAGE_SELF, getrusage
from typing import Any

import numpy as np
import pytest
from fedprotocol import tree
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.masks.document import Masking
from fedprotocol.numbers import NumbersError, split_leaves
from fedprotocol.spec import (
    BLANKS,
    MAX_SPEC_BYTES,
    SpecError,
    SpecMismatch,
    check_against,
    dump_spec,
    load_spec,
    spec_digest,
)
from pydantic import ValidationError
from support.specs import BASE_MODEL

DOCUMENT: dict[str, Any] = {
    "version": 1,
    "name": "four sites – définitions",
    "base_model": {**BASE_MODEL, "id": "SmolLM2-135M-Instruct", "digest": "0x" + "ab" * 32},
    "lora": {"r": 8, "alpha": 16, "dropout": 0.0, "target_modules": ["q_proj", "v_proj"], "factors": "both"},
    "quantization": {"kind": "nf4", "double_quant": True, "compute_dtype": "bf16"},
    "layout": {
        "tensors": [{"name": "q.A", "shape": [8, 576]}, {"name": "q.B", "shape": [576, 8]}],
        "leaf_values": 1024,
        "mantissa_bits": 8,
        "parts": 1,
    },
    "prompt": {"template": "Definition: {prompt}\nClass:"},
    "training": {
        "rounds": 3,
        "steps": 8,
        "batch_size": 8,
        "gradient_accumulation": 1,
        "sequence_length": 48,
        "optimizer": "adamw_torch",
        "learning_rate": 0.002,
        "schedule": "cosine",
        "final_learning_rate_ratio": 0.1,
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "gradient_checkpointing": False,
        "proximal_mu": 0.0,
    },
    "evaluation": {"classes": [" disease", " currency"]},
    "bounds": {"max_shift": 12, "max_norm": 1.5, "min_norm": 1e-3},
    "rule": "fedavg",
    "server_lr": 65536,
    "genesis_root": "0x" + "01" * 32,
}


def document(path: str = "", value: object = None, drop: bool = False) -> bytes:
    """The document above, with the field at `path` replaced or dropped."""
    result = copy.deepcopy(DOCUMENT)
    if path:
        *parents, last = path.split(".")
        target: Any = result
        for parent in parents:
            target = target[int(parent)] if isinstance(target, list) else target[parent]
        if drop:
            del target[last]
        else:
            target[last] = value
    return json.dumps(result).encode()


def masked(**changes: Any) -> bytes:
    """The document of a masked federation, with fields replaced or, for `...`, dropped."""
    base = {
        **DOCUMENT,
        "rule": "masked-mean",
        "layout": {**DOCUMENT["layout"], "mantissa_bits": 32},
        "bounds": {**DOCUMENT["bounds"], "max_shift": 0},
        "masking": {"scale": 4, "bound": 1000},
        **changes,
    }
    return json.dumps({name: value for name, value in base.items() if value is not ...}).encode()


@dataclass(frozen=True)
class Terms:
    spec_digest: bytes
    genesis_root: bytes = b"\x01" * 32
    leaf_count: int = 9
    leaf_values: int = 1024
    mantissa_bits: int = 8
    max_shift: int = 12
    server_lr: int = 65536
    total_rounds: int = 3
    money: int = 5  # a configuration has more than the spec knows of


def test_a_spec_comes_back_and_its_canonical_form_is_stable() -> None:
    spec = load_spec(document())
    canonical = dump_spec(spec)
    assert load_spec(canonical) == spec
    assert dump_spec(load_spec(canonical)) == canonical
    shuffled = json.dumps(dict(reversed(DOCUMENT.items())), indent=7).encode()
    assert dump_spec(load_spec(shuffled)) == canonical
    assert json.loads(canonical) == DOCUMENT
    assert "définitions" in canonical.decode()


def test_a_document_without_join_keeps_its_bytes_and_its_meaning() -> None:
    old = load_spec(document())
    assert b"join" not in dump_spec(old) and dump_spec(load_spec(dump_spec(old))) == dump_spec(old)
    assert old.prompt.join is None and old.prompt.trimmed(" a\n") == " a\n"


def test_a_document_without_the_later_options_of_training_keeps_its_bytes_and_its_meaning() -> None:
    old = load_spec(document())
    assert b"rate_ratio_b" not in dump_spec(old) and b"look_ahead" not in dump_spec(old)
    assert (old.training.rate_ratio_b, old.training.look_ahead) == (1, 0)
    later = {"rate_ratio_b": 2.0, "look_ahead": 0.3}
    new = load_spec(document("training", {**DOCUMENT["training"], **later}))
    assert json.loads(dump_spec(new))["training"] == {**DOCUMENT["training"], **later}
    assert load_spec(dump_spec(new)) == new


def test_a_document_demands_noise_or_has_no_such_field() -> None:
    assert b"privacy" not in dump_spec(load_spec(document()))
    new = load_spec(document("privacy", {"noise": 1.5}))
    assert new.privacy is not None and new.privacy.noise == 1.5
    assert json.loads(dump_spec(new)) == {**DOCUMENT, "privacy": {"noise": 1.5}}
    for wrong in (None, {}, {"noise": 0}, {"noise": -1.0}, {"noise": 1.0, "epsilon": 1.0}, 1.0):
        with pytest.raises(SpecError, match="privacy"):
            load_spec(document("privacy", wrong))


def test_a_masked_spec_comes_back_and_another_has_no_such_field() -> None:
    assert b"masking" not in dump_spec(load_spec(document())) and not load_spec(document()).is_masked
    new = load_spec(masked())
    assert new.is_masked
    assert new.masking == Masking(scale=4, bound=1000)
    assert new.layout.delta_shape == new.layout.global_shape == tree.TreeShape(9, 4096)
    assert json.loads(dump_spec(new)) == json.loads(masked()) and load_spec(dump_spec(new)) == new


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"masking": None}, "masking: must be left out where updates are public"),
        ({"masking": ...}, "this document has the rule masked-mean without it"),
        ({"rule": "fedavg"}, "this document has the rule fedavg and masking"),
        ({"layout": DOCUMENT["layout"]}, "layout.mantissa_bits must be 32 with masking"),
        ({"rule": "fedavg", "masking": ...}, "and 8 or 16 without it"),
        ({"masking": {"scale": 16, "bound": 1}}, "masking.scale: "),
        ({"masking": {"scale": 0, "bound": 0}}, "masking.bound: "),
        ({"masking": {"scale": 0, "bound": 2**15 + 1}}, "masking.bound: "),
        ({"masking": {"scale": 0.0, "bound": 5}}, "masking.scale"),
        ({"masking": {"scale": 0, "bound": 5, "bits": 32}}, "masking.bits: unknown key"),
        ({"bounds": {**DOCUMENT["bounds"], "max_shift": 1}}, "bounds.max_shift must be 0 where updates are masked"),
        ({"bounds": {**DOCUMENT["bounds"], "max_shift": 0, "min_norm": 0.1}}, "and masking leaves 0.09155"),
        (
            {"lora": {**DOCUMENT["lora"], "factors": "alternating"}},
            "lora.factors must be both or b where updates are masked",
        ),
    ],
)
def test_a_spec_is_masked_throughout_or_not_at_all(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=re.escape(said)):
        load_spec(masked(**changes))


def test_padding_of_a_masked_global_is_nobodys() -> None:
    """A site can add to it unseen, so it must not stop everybody's next round."""
    layout, open_layout = load_spec(masked()).layout, load_spec(document()).layout
    odd = layout.model_copy(update={"tensors": (layout.tensors[0].model_copy(update={"shape": (2, 1000)}),)})
    leaves = MemoryLeaves(split_leaves(np.arange(2048, dtype=np.int32), 1024))
    assert odd.weights(leaves).tolist() == list(range(2000))
    with pytest.raises(NumbersError, match="padding"):
        open_layout.model_copy(update={"tensors": odd.tensors}).weights(leaves)


def test_look_ahead_has_an_end_and_a_round_that_trains_what_the_last_one_changed() -> None:
    def with_look_ahead(share: float, **changes: object) -> bytes:
        training = {**DOCUMENT["training"], "look_ahead": share}
        return json.dumps({**DOCUMENT, "training": training, **changes}).encode()

    turns = {"lora": {**DOCUMENT["lora"], "factors": "alternating"}}
    load_spec(with_look_ahead(0.0, **turns))
    with pytest.raises(SpecError, match=r"look_ahead must be 0 where lora\.factors is alternating"):
        load_spec(with_look_ahead(0.1, **turns))
    load_spec(with_look_ahead(0.49, server_lr=2 << 16))
    with pytest.raises(SpecError, match=r"look_ahead 0\.5 times the server's learning rate must be below 1"):
        load_spec(with_look_ahead(0.5, server_lr=2 << 16))


@pytest.mark.parametrize("join", ["", " ", "\n", "\t \n"])
def test_join_is_kept_and_trims(join: str) -> None:
    classes = {"classes": ["disease", "law"]}
    prompt = {**DOCUMENT["prompt"], "join": join}
    spec = load_spec(json.dumps({**DOCUMENT, "prompt": prompt, "evaluation": classes}).encode())
    assert json.loads(dump_spec(spec))["prompt"] == prompt
    assert load_spec(dump_spec(spec)) == spec
    assert spec.prompt.trimmed("\u3000\x85 a b\u00a0\n") == "a b"
    assert spec.prompt.trimmed("\ufeffa\u200b") == "\ufeffa\u200b", "no white space"


def test_what_is_trimmed_does_not_change_with_unicode() -> None:
    assert "".join(filter(str.isspace, map(chr, range(0x110000)))) == BLANKS


def test_with_join_neither_template_nor_classes_bring_spaces_of_their_own() -> None:
    joined = {"template": "{prompt}:", "join": " "}
    with pytest.raises(SpecError, match=r"prompt\.template ends in white space; .* is prompt\.join"):
        load_spec(document("prompt", {**joined, "template": "{prompt}: "}))
    wanted = {"prompt": joined, "evaluation": {"classes": ["red", " green"]}}
    with pytest.raises(SpecError, match=r"evaluation\.classes: ' green' must be 'green'"):
        load_spec(json.dumps({**DOCUMENT, **wanted}).encode())


def test_the_digest_is_over_the_bytes_served() -> None:
    data = document()
    assert spec_digest(data) == hashlib.sha256(data).digest() != spec_digest(data + b" ")
    assert load_spec(data) == load_spec(data + b" ")


def test_the_layout_gives_the_shapes_of_the_trees() -> None:
    layout = load_spec(document()).layout
    assert (layout.value_count, layout.leaf_count) == (9216, 9)
    assert layout.delta_shape == tree.TreeShape(9, 1024)
    assert layout.global_shape == tree.TreeShape(9, 4096)
    wide = load_spec(document("layout.mantissa_bits", 16)).layout
    assert wide.delta_shape == tree.TreeShape(9, 2048)
    two = load_spec(document("layout.parts", 2)).layout
    assert (two.delta_shape, two.global_shape) == (layout.delta_shape, tree.TreeShape(18, 4096))
    tiny = load_spec(document("layout.tensors", [{"name": "a", "shape": [3]}])).layout
    assert (tiny.value_count, tiny.leaf_count) == (3, 2)


def test_the_weights_of_a_global_are_its_first_part() -> None:
    layout = load_spec(document("layout.parts", 2)).layout
    values = np.arange(layout.value_count, dtype=np.int32)
    state = [b"\1" * 4096] * layout.leaf_count
    leaves = MemoryLeaves(split_leaves(values, layout.leaf_values) + state)
    assert layout.weights(leaves).tolist() == values.tolist()


def test_a_spec_cannot_be_changed() -> None:
    spec = load_spec(document())
    with pytest.raises(ValidationError, match="frozen"):
        spec.layout.leaf_values = 32
    with pytest.raises(TypeError):
        spec.layout.tensors[0] = spec.layout.tensors[1]  # type: ignore[index]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("version", 2),
        ("version", "1"),
        ("name", ""),
        ("base_model.digest", "0x" + "AB" * 32),
        ("base_model.digest", "ab" * 32),
        ("base_model.digest", "0x" + "ab" * 33),
        ("base_model.digest", "0x" + "ab" * 32 + "\n"),
        ("base_model.id", None),
        ("base_model.config", {}),
        ("base_model.config", {"": 1}),
        ("base_model.config", {"rope\n": 1}),
        ("base_model.config.rms_norm_eps", {"of": 1e-6}),
        ("base_model.config.rms_norm_eps", [[1e-6]]),
        ("base_model.tokenizer.size", 0),
        ("base_model.tokenizer.vocabulary", "33" * 32),
        ("base_model.tokenizer.start", None),
        ("base_model.tokenizer.end", None),
        ("base_model.tokenizer.end", -1),
        ("base_model.tokenizer.texts", []),
        ("base_model.tokenizer.texts.0.text", ""),
        ("base_model.tokenizer.texts.0.tokens", [0.5]),
        ("base_model.tokenizer.surprise", 1),
        ("lora.r", 0),
        ("lora.r", 8.0),
        ("lora.r", True),
        ("lora.dropout", 1.0),
        ("lora.target_modules", []),
        ("lora.target_modules", "q_proj"),
        ("quantization.kind", "int4"),
        ("quantization.double_quant", 1),
        ("layout.leaf_values", 1000),
        ("layout.leaf_values", 16),
        ("layout.leaf_values", 16384),
        ("layout.mantissa_bits", 4),
        ("layout.tensors", []),
        ("layout.tensors.0.shape", []),
        ("layout.tensors.0.shape", [8, 0]),
        ("layout.tensors.0.shape", [8, -1]),
        ("layout.tensors.0.name", ""),
        ("prompt.template", "no place"),
        ("prompt.template", "{prompt} {prompt}"),
        ("prompt.join", None),
        ("prompt.join", 1),
        ("prompt.join", " and "),
        ("prompt.join", " " * 9),
        ("training.steps", 0),
        ("training.steps", "8"),
        ("training.learning_rate", 0),
        ("training.learning_rate", "0.1"),
        ("training.schedule", "linear"),
        ("training.final_learning_rate_ratio", 1.5),
        ("training.max_grad_norm", -1.0),
        ("training.rate_ratio_b", 0),
        ("training.rate_ratio_b", None),
        ("training.look_ahead", 1.0),
        ("training.look_ahead", -0.1),
        ("evaluation.classes", ["one"]),
        ("evaluation.classes", ["a", "a"]),
        ("evaluation.classes", ["a", ""]),
        ("bounds.max_norm", 0),
        ("bounds.max_norm", None),
        ("bounds.max_shift", 24),
        ("bounds.max_shift", -1),
        ("bounds.min_norm", 0),
        ("bounds.min_norm", 1.6),
        ("layout.parts", 0),
        ("layout.parts", 9),
        ("rule", ""),
        ("server_lr", 0),
        ("server_lr", 2**17 + 1),
        ("genesis_root", "0x"),
        ("genesis_root", None),
        ("surprise", 1),
        ("training.surprise", 1),
    ],
)
def test_a_wrong_field_is_named(path: str, value: object) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(document(path, value))
    assert path in str(caught.value)


@pytest.mark.parametrize(
    "path",
    [
        "version",
        "server_lr",
        "bounds",
        *(f"bounds.{name}" for name in DOCUMENT["bounds"]),
        "lora.alpha",
        "base_model.config",
        "base_model.tokenizer",
    ],
)
def test_a_missing_field_is_named(path: str) -> None:
    with pytest.raises(SpecError, match=path):
        load_spec(document(path, drop=True))


def test_a_spec_from_before_the_bounds_names_what_it_lacks() -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(document("bounds", {"max_norm": None}))
    for field in (
        "bounds.max_shift: this key is missing",
        "bounds.max_norm: must",
        "bounds.min_norm: this key is missing",
    ):
        assert field in str(caught.value)


def test_bounds_that_no_update_can_meet_are_refused() -> None:
    wide = json.loads(document("layout.mantissa_bits", 16))
    with pytest.raises(SpecError, match=r"bounds\.max_shift: at most 15 with mantissas of 16 bits"):
        load_spec(json.dumps({**wide, "bounds": {"max_shift": 16, "max_norm": 1.5, "min_norm": 1e-3}}).encode())
    with pytest.raises(SpecError, match=r"bounds\.min_norm 1 is more than an update can have"):
        load_spec(document("bounds", {"max_shift": 0, "max_norm": 1.5, "min_norm": 1.0}))


def test_names_and_sizes_of_tensors_are_checked_together() -> None:
    with pytest.raises(SpecError, match="more than once: a"):
        load_spec(document("layout.tensors", [{"name": "a", "shape": [2]}] * 2))
    with pytest.raises(SpecError, match="leaf_values"):
        load_spec(document("layout.tensors", [{"name": "a", "shape": [1 << 20, 1025]}]))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe",
        b"{}",
        document("training.learning_rate", float("nan")),
        document("training.learning_rate", float("inf")),
        document().replace(b"0.002", b"1e999"),
        document() + b"x",
        b"[" * 100_000,
        b" " * (MAX_SPEC_BYTES + 1),
    ],
)
def test_what_is_no_spec_is_refused(data: bytes) -> None:
    with pytest.raises(SpecError):
        load_spec(data)


def filled(field: str, unit: str, head: str = "", tail: str = "") -> bytes:
    """The largest document whose `field` is a list of `unit`s, # in them numbered."""
    short = document(field, "LIST").decode()
    times = (MAX_SPEC_BYTES - len(short) - len(head) - len(tail)) // (len(unit) + 6)
    items = ",".join(unit.replace("#", f"{i:06}") for i in range(times))
    return short.replace('"LIST"', f"{head}[{items}]{tail}").encode()


@pytest.mark.parametrize(
    ("field", "unit", "head", "tail", "says"),
    [
        ("layout.tensors", "9", '[{"name": "a", "shape": ', "}]", "must name at most 8"),
        ("layout.tensors", "0", '[{"name": "a", "shape": ', "}]", "must be 1 or more"),
        ("layout.tensors", "{}", "", "", "layout.tensors.0"),
        ("layout.tensors", '{"name": "a", "shape": [1]}', "", "", "more than once: a"),
        ("layout.tensors", '{"name": "#", "shape": [1]}', "", "", ""),
        ("evaluation.classes", '""', "", "", "at least 1 character"),
        ("evaluation.classes", "9" * 4300, "", "", "evaluation.classes.0"),
        ("training", "[]", "", "", "training: must be a section with keys of its own"),
        ("surprise", "[[]]", "", "", "surprise: unknown key"),
        ("training.steps", "1", "", "", "training.steps: must be a whole number without quotes"),
        ("bounds", '"#": 0', "{", '"x": 0}', "of its fields are wrong or unknown"),
    ],
)
def test_the_largest_documents_cost_a_bounded_effort(field: str, unit: str, head: str, tail: str, says: str) -> None:
    """Seconds of CPU, bytes of Python objects and of native ones, and a message that can be read."""
    data = filled(field, unit, head, tail).replace(b"{[", b"{").replace(b']"x"', b',"x"')
    high, start = getrusage(RUSAGE_SELF).ru_maxrss, time.thread_time()
    tracemalloc.start()
    try:
        if says:
            assert says in refusal(data)
        else:
            load_spec(data)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
    assert time.thread_time() - start < 5
    assert getrusage(RUSAGE_SELF).ru_maxrss - high < 128 << 10


def refusal(data: bytes) -> str:
    with pytest.raises(SpecError) as caught:
        load_spec(data)
    assert len(str(caught.value)) < 30_000
    assert caught.value.__context__ is None, "it would keep all that is wrong in memory"
    return str(caught.value)


def test_what_a_refusal_quotes_is_short_and_tame() -> None:
    assert "\x1b" not in refusal(document("x" * 100_000 + "\x1b[2J\n", 0))
    assert all(line.isprintable() for line in refusal(document("\x1b[2J\r", 0)).split("\n"))
    assert refusal(document("training.steps", 10**4000)).endswith("training.steps: must be below 2147483648")


def test_spec_and_contract_that_agree_pass() -> None:
    data = document()
    check_against(load_spec(data), spec_digest(data), Terms(spec_digest(data)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("spec_digest", bytes(32)),
        ("genesis_root", bytes(32)),
        ("leaf_count", 10),
        ("leaf_values", 512),
        ("mantissa_bits", 16),
        ("max_shift", 13),
        ("server_lr", 1),
        ("total_rounds", 4),
    ],
)
def test_every_disagreement_with_the_contract_is_named(field: str, value: Any) -> None:
    data = document()
    terms = replace(Terms(spec_digest(data)), **{field: value})
    with pytest.raises(SpecMismatch, match=f"{field}: .* in the spec, .* in the contract"):
        check_against(load_spec(data), spec_digest(data), terms)
