"""Tokens of prompts and answers, held against the tokenizer and against transformers."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fednode.base_model import load_tokenizer
from fednode.data import check_data
from fednode.data.encode import Encoder
from fednode.data.packing import pack, packed
from fednode.data.padding import IGNORED, left_padded
from fednode.data.plain_text import EncodingError
from fednode.data.tokens_at_once import grouped, groups_to_pad
from hypothesis import given, settings
from hypothesis import strategies as st
from support.encoders import encoder_of
from support.tiny_model import CLASSES, TEMPLATE, colour_rows, write_jsonl

pytestmark = pytest.mark.model

LENGTH = 48
CHARACTERS = st.characters(blacklist_categories=["Cs"])  # surrogates are no text


@pytest.fixture(scope="module")
def tokenizer(tiny_folder: Path) -> Any:
    return load_tokenizer(tiny_folder)


@pytest.fixture(scope="module")
def encoder(tokenizer: Any) -> Encoder:
    return encoder_of(tokenizer, TEMPLATE, LENGTH)


def test_an_example_is_template_answer_end(encoder: Encoder, tokenizer: Any) -> None:
    example = encoder.example("a small rose", " red")
    assert tokenizer.decode(example.input_ids) == "Thing: a small rose\nColour: red<|end|>"
    assert tokenizer.decode(example.input_ids[example.prompt_length :]) == " red<|end|>"
    assert example.input_ids[: example.prompt_length] == encoder.prompt("a small rose")[0]
    assert not example.truncated
    assert tokenizer.decode(encoder.example("x", " red", end=False).input_ids).endswith("Colour: red")


@settings(max_examples=150, deadline=None)
@given(prompt=st.text(CHARACTERS, max_size=200), completion=st.text("ab é日🙂", min_size=1))
def test_any_text_fits_and_keeps_the_template(encoder: Encoder, tokenizer: Any, prompt: str, completion: str) -> None:
    example = encoder.example(prompt, completion)
    before, after = TEMPLATE.split("{prompt}")
    asked = tokenizer.decode(example.input_ids[: example.prompt_length])
    assert len(example.input_ids) <= LENGTH
    assert asked.startswith(before)
    assert asked.endswith(after)
    assert prompt.startswith(asked[len(before) : len(asked) - len(after)])
    if not example.truncated:
        assert asked == TEMPLATE.replace("{prompt}", prompt)
    if not example.answer_cut:
        assert tokenizer.decode(example.input_ids[example.prompt_length :]) == completion + "<|end|>"


def test_braces_in_a_prompt_are_text(encoder: Encoder, tokenizer: Any) -> None:
    assert "{prompt} {0} %s" in tokenizer.decode(encoder.example("{prompt} {0} %s", " red").input_ids)


def test_a_long_prompt_loses_its_end_and_is_counted(encoder: Encoder, tokenizer: Any, tmp_path: Path) -> None:
    example = encoder.example("日本" * 500, " red")
    assert (example.truncated, example.answer_cut, len(example.input_ids) <= LENGTH) == (True, False, True)
    assert "\ufffd" not in tokenizer.decode(example.input_ids)
    rows = [*colour_rows(3), {"prompt": "rose " * 99, "completion": " red"}, {"prompt": "x", "completion": "y z " * 99}]
    report = check_data(write_jsonl(tmp_path / "d.jsonl", rows), encoder)
    assert (report.encoded.truncated, report.encoded.answers_cut, report.ok) == (2, 1, False)
    [said] = report.errors()
    assert said.startswith("1 answers are longer than the ") and "the first line 5" in said


def test_a_template_that_leaves_no_room(tokenizer: Any) -> None:
    with pytest.raises(EncodingError, match="sequence_length"):
        encoder_of(tokenizer, "word " * 60 + "{prompt}", LENGTH)


def test_classes_must_begin_differently(encoder: Encoder, tokenizer: Any) -> None:
    firsts = encoder.first_tokens(CLASSES)
    assert [tokenizer.decode([token]) for token in firsts] == list(CLASSES)
    with pytest.raises(EncodingError, match="' red' and ' red deer' begin with the same token"):
        encoder.first_tokens([" red", " blue", " red deer"])


def test_a_tokenizer_that_adds_start_and_end(tokenizer: Any) -> None:
    """Only the start belongs before the prompt; as in Llama's tokenizers with add_eos_token."""
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    backend = type(tokenizer._tokenizer).from_str(tokenizer._tokenizer.to_str())
    backend.add_special_tokens(["<s>"])
    start = backend.token_to_id("<s>")
    backend.post_processor = TemplateProcessing(
        single="<s> $A <|end|>", special_tokens=[("<s>", start), ("<|end|>", tokenizer.eos_token_id)]
    )
    wrapped = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="<|end|>")
    ids = encoder_of(wrapped, TEMPLATE, LENGTH).example("a rose", " red").input_ids
    assert wrapped.decode(ids) == "<s>Thing: a rose\nColour: red<|end|>"


def test_a_packed_batch_has_every_token_once(encoder: Encoder) -> None:
    examples = [encoder.example("my whale", " blue"), encoder.example("x", "a much longer answer")]
    batch = pack(examples)
    ids, positions = batch["input_ids"][0].tolist(), batch["position_ids"][0].tolist()
    assert ids == [token for example in examples for token in example.input_ids]
    assert positions == [place for example in examples for place in range(len(example.input_ids))]
    kept, labels = batch["logits_to_keep"].tolist(), batch["labels"][0].tolist()
    scored = [(ids[before + 1], label) for before, label in zip(kept, labels[1:], strict=False)]
    assert all(token == label for token, label in scored)
    answers = [token for example in examples for token in example.input_ids[example.prompt_length :]]
    assert (labels, len(kept)) == ([IGNORED, *answers], len(answers) + 1)


def test_a_batch_of_many_tokens_is_several_packs(encoder: Encoder) -> None:
    examples = [encoder.example("my whale", " blue"), encoder.example("x", "a much longer answer")] * 3
    lengths = [len(example.input_ids) for example in examples]
    for most in (1, max(lengths), sum(lengths[:3]), sum(lengths) - 1, sum(lengths)):
        groups = grouped(examples, most)
        assert [example for group in groups for example in group] == examples
        sizes = [sum(len(example.input_ids) for example in group) for group in groups]
        assert all(size <= most or len(group) == 1 for size, group in zip(sizes, groups, strict=True))
        assert all(size + len(after[0].input_ids) > most for size, after in zip(sizes, groups[1:], strict=False))
        batch = packed(examples, most)
        assert [one["input_ids"].shape[1] for one in batch["packs"]] == sizes
        labels = [label for one in batch["packs"] for label in one["labels"][0].tolist()]
        assert batch["labels"].tolist() == [labels]
    assert grouped([], 512) == []


def test_rows_are_padded_to_others_of_their_length(encoder: Encoder) -> None:
    examples = [encoder.example("x" * length, "blue") for length in (9, 1, 30, 2, 8, 1)]
    by_length = sorted(examples, key=lambda example: len(example.input_ids))
    most = len(by_length[-1].input_ids)
    for rows, tokens in ((1, 999), (2, 999), (9, 2 * most), (9, most), (9, 1)):
        groups = groups_to_pad(examples, rows, tokens)
        assert [example for group in groups for example in group] == by_length
        sizes = [len(group) * len(group[-1].input_ids) for group in groups]
        assert all(size <= tokens or len(group) == 1 for size, group in zip(sizes, groups, strict=True))
        assert max(map(len, groups)) <= rows
        for group, after in pairwise(groups):
            wider = (len(group) + 1) * len(after[0].input_ids)
            assert len(group) == rows or wider > tokens, "no group is smaller than it must be"
    assert groups_to_pad([], 8, 512) == []


def test_a_batch_is_padded_on_the_left(encoder: Encoder) -> None:
    examples = [encoder.example("my whale", " blue"), encoder.example("x", "a much longer answer")]
    batch = left_padded(examples, encoder.pad_id)
    keep = batch["logits_to_keep"]
    assert keep == 1 + max(example.answer_length for example in examples)
    for row, example in enumerate(examples):
        length = len(example.input_ids)
        assert batch["input_ids"][row, -length:].tolist() == example.input_ids
        assert batch["attention_mask"][row].sum() == length
        assert batch["position_ids"][row, -length:].tolist() == list(range(length))
        labels = batch["labels"][row].tolist()
        assert labels[-example.answer_length :] == example.input_ids[example.prompt_length :]
        assert set(labels[: -example.answer_length]) == {IGNORED}
