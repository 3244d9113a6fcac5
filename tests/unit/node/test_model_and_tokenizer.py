"""What comes with a base model and does not fit: a tokenizer's tokens, its padding, settings of generation."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from fednode.base_model import embedded_tokens, load_skeleton
from fednode.data import load_data
from fednode.data.encode import load_encoder
from fednode.data.plain_text import EncodingError
from fednode.training import AdapterModel
from support.tiny_families import FAMILIES, build_family
from support.tiny_model import colour_rows, tiny_tokenizer, write_jsonl
from support.tiny_spec import tiny_spec

pytestmark = pytest.mark.model

SIZE = 384  # tokens of `smaller`


@pytest.fixture(scope="module")
def smaller(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows no more tokens than its tokenizer has."""
    from transformers import LlamaConfig, LlamaForCausalLM

    folder, tokenizer = tmp_path_factory.mktemp("smaller"), tiny_tokenizer()
    assert len(tokenizer) == SIZE
    config = LlamaConfig(
        vocab_size=SIZE,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        bos_token_id=None,
        eos_token_id=0,
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def with_more(smaller: Path, tmp_path: Path) -> Path:
    return shutil.copytree(smaller, tmp_path / "more")


def test_padding_outside_the_vocabulary_is_never_used(with_more: Path, tmp_path: Path) -> None:
    """`pad-outside-vocabulary`."""
    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    tokenizer.save_pretrained(with_more)
    assert tokenizer.pad_token_id == SIZE
    spec, adapter = tiny_spec(with_more, "fp32", steps=1)
    model = AdapterModel.load(spec, None, "cpu", 1)
    model.set_global(adapter.units)
    data = load_data(
        write_jsonl(tmp_path / "d.jsonl", [*colour_rows(7), {"prompt": "a longer rose", "completion": "x"}])
    )
    assert model.train(spec, data, 1, 0).loss_first > 0
    assert model.evaluate(spec, data).items == 8
    assert isinstance(model.generate(spec, "[PAD]", 2), str)


def test_a_token_that_the_model_does_not_know_is_refused(with_more: Path) -> None:
    from tokenizers import AddedToken

    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens([AddedToken("rose", normalized=False)])
    tokenizer.save_pretrained(with_more)
    spec, _ = tiny_spec(with_more, "fp32")
    said = f"makes the token 'rose' with the id {SIZE}, but the model knows {SIZE} tokens, 0 to {SIZE - 1}"
    for opened in (lambda: load_encoder(spec, with_more), lambda: AdapterModel.load(spec, None, "cpu", 1)):
        with pytest.raises(EncodingError, match=said):
            opened()


@pytest.mark.parametrize("name", FAMILIES)
def test_how_many_tokens_a_model_knows(name: str, tmp_path: Path) -> None:
    folder = build_family(tmp_path, name)
    assert embedded_tokens(load_skeleton(folder)) == json.loads((folder / "config.json").read_text())["vocab_size"]


SETTINGS: dict[str, dict[str, Any]] = {
    "a penalty": {"repetition_penalty": 0.01, "do_sample": True},
    "sampling": {"do_sample": True, "temperature": 9.0, "top_k": 3, "top_p": 0.9},
    "suppressed tokens": {"suppress_tokens": list(range(60, 300)), "begin_suppress_tokens": list(range(300, 384))},
    "bad words": {"bad_words_ids": [[token] for token in range(60, 300)]},
    "forced ends": {"forced_bos_token_id": 70, "forced_eos_token_id": 71},
    "lengths": {"min_length": 60, "min_new_tokens": 50, "max_length": 2, "length_penalty": 3.0},
    "no repetition": {"no_repeat_ngram_size": 1, "encoder_repetition_penalty": 3.0},
    "beams": {"num_beams": 3, "num_return_sequences": 2, "early_stopping": True},
    "ends": {"eos_token_id": list(range(1, SIZE)), "pad_token_id": 5, "stop_strings": ["a", "e", " "]},
    "guidance": {"guidance_scale": 4.0, "sequence_bias": [[[80], 99.0]]},
    "no cache": {"use_cache": False, "cache_implementation": "static"},
    "outputs": {"return_dict_in_generate": True, "output_scores": True, "output_attentions": True},
    "assistance": {"prompt_lookup_num_tokens": 4, "max_time": 0.0},
}


@pytest.fixture(scope="module")
def greedy(smaller: Path) -> str:
    """By hand: the likeliest token, the whole text anew for each."""
    spec, adapter = tiny_spec(smaller, "fp32")
    model = AdapterModel.load(spec, None, "cpu", 1)
    model.set_global(adapter.units)
    ids, found = model.encoder.prompt("a small rose")[0], []
    while len(found) < 12:
        with torch.no_grad():
            token = int(model._model(input_ids=torch.tensor([ids + found])).logits[0, -1].argmax())
        if token == model.encoder.eos_id:
            break
        found.append(token)
    assert len(found) > 3
    return model.encoder.decode(found).strip()


@pytest.mark.parametrize("name", SETTINGS)
def test_generation_takes_no_settings_of_the_base_model(with_more: Path, greedy: str, name: str) -> None:
    (with_more / "generation_config.json").write_text(json.dumps(SETTINGS[name]))
    spec, adapter = tiny_spec(with_more, "fp32")
    model = AdapterModel.load(spec, None, "cpu", 1)
    model.set_global(adapter.units)
    assert model.generate(spec, "a small rose", 12) == greedy
