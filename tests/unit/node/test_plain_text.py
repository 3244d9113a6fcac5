"""What a site writes is text to every kind of tokenizer, and the tokens of ordinary text are the tokenizer's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fednode.data import check_data
from fednode.data.plain_text import EncodingError, PlainText
from hypothesis import given, settings
from hypothesis import strategies as st
from support.encoders import encoder_of
from support.tiny_model import tiny_tokenizer, write_jsonl
from support.tokenizer_kinds import KINDS, START, llama2

pytestmark = pytest.mark.model

WHOLE = ("byte-level", "llama2")
"""Kinds that can write out every text again."""


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> tuple[str, Any, PlainText]:
    tokenizer = KINDS[request.param]()
    return request.param, tokenizer, PlainText(tokenizer)


def own(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


Kind = tuple[str, Any, PlainText]


def test_a_control_token_in_a_text_is_text(kind: Kind) -> None:
    name, tokenizer, text = kind
    end = tokenizer.eos_token
    written = f"what does {end} mean {end}"
    assert tokenizer.eos_token_id in own(tokenizer, written), "the case this is about"
    ids = text.tokens(written)
    assert tokenizer.eos_token_id not in ids
    assert text.tokens(end) and tokenizer.eos_token_id not in text.tokens(end)
    if name in WHOLE:
        assert tokenizer.decode(ids) == written
    assert text.control_tokens_in(written) == {end}
    assert text.control_tokens_in("what does end mean") == set()


def test_the_templates_control_tokens_are_control_tokens(kind: Kind) -> None:
    _, tokenizer, text = kind
    template = f"{tokenizer.eos_token}a small rose {tokenizer.eos_token} red{tokenizer.eos_token}"
    assert text.tokens(text.with_control(template)) == own(tokenizer, template)


@settings(max_examples=60, deadline=None)
@given(written=st.text(st.characters(blacklist_categories=["Cs"]), max_size=60))
def test_ordinary_text_is_the_tokenizers_own_tokens(kind: Kind, written: str) -> None:
    _, tokenizer, text = kind
    assert text.tokens(written) == own(tokenizer, written)
    spans = tokenizer(written, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    assert text.starts(written) == [start for start, _ in spans]


def test_a_rows_control_tokens_are_learned_as_text(tmp_path: Path) -> None:
    """`special-token-in-answer.jsonl`: end of text must not be learned in the middle of an answer."""
    tokenizer = tiny_tokenizer()
    encoder = encoder_of(tokenizer, "<|end|>Thing: {prompt}<|end|>\nColour:", 128)
    prompt, completion = "what does <|end|> mean", " it is the end <|end|> of a text"
    example = encoder.example(prompt, completion)
    end = tokenizer.eos_token_id
    assert tokenizer.decode(example.input_ids) == f"<|end|>Thing: {prompt}<|end|>\nColour:{completion}<|end|>"
    assert example.input_ids[0] == end
    assert example.input_ids.count(end) == 3, "the template's two and the one that is added"
    assert example.input_ids[example.prompt_length :].count(end) == 1
    rows = [{"prompt": prompt, "completion": completion}, {"prompt": "x", "completion": "<|end|>"}]
    report = check_data(write_jsonl(tmp_path / "d.jsonl", rows), encoder)
    assert "2 rows hold '<|end|>', a control token of the base model: it is read as the text it is" in report.lines()
    assert report.ok


def test_a_template_and_a_prompt_make_no_control_token_together() -> None:
    tokenizer = tiny_tokenizer()
    assert tokenizer.eos_token_id not in encoder_of(tokenizer, "a <|{prompt}|> b", 64).prompt("end")[0]


@pytest.mark.parametrize(
    ("template", "starts"), [("{prompt}:", 1), ("<s>{prompt}:", 1), ("<s> a {prompt}:", 1), ("a <s>{prompt}:", 2)]
)
def test_the_start_of_text_stands_there_once(template: str, starts: int) -> None:
    tokenizer = llama2()
    assert tokenizer("x")["input_ids"][0] == tokenizer.bos_token_id, "it adds one"
    ids = encoder_of(tokenizer, template, 64).example("red", "red").input_ids
    assert ids[0] == tokenizer.bos_token_id
    assert ids.count(tokenizer.bos_token_id) == starts
    assert ids[1] != tokenizer.bos_token_id
    written = encoder_of(tokenizer, template, 64).example(START, "red").input_ids
    assert written.count(tokenizer.bos_token_id) == starts, "a prompt adds none"


def test_bytes_are_no_control_tokens_though_they_are_declared_to_be() -> None:
    """As in `llama2-like-tokenizer` of the field's inputs."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer.from_str(llama2()._tokenizer.to_str())
    backend.add_special_tokens([f"<0x{byte:02X}>" for byte in range(256)])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token=START, eos_token="</s>")
    text = PlainText(tokenizer)
    assert text.tokens("é\n") == own(tokenizer, "é\n") == own(llama2(), "é\n")
    assert own(tokenizer, "<0x41>")[-1] == tokenizer.convert_tokens_to_ids("<0x41>")
    assert text.tokens("<0x41>") == own(llama2(), "<0x41>")


def test_added_tokens_that_are_not_special_are_text() -> None:
    """Runs of spaces, say: the model has learned text with them."""
    from tokenizers import AddedToken

    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens([AddedToken("    ", normalized=False), AddedToken("<table>", normalized=False)])
    text = PlainText(tokenizer)
    assert text.tokens("a    <table>") == own(tokenizer, "a    <table>")
    assert text.control_tokens_in("a    <table>") == set()
    assert text.last == (tokenizer.convert_tokens_to_ids("<table>"), "<table>")


def test_padding_is_end_of_text_whatever_the_tokenizer_pads_with() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    encoder = encoder_of(tokenizer, "{prompt}:", 64)
    assert tokenizer.pad_token_id >= len(tokenizer) - 1
    assert encoder.pad_id == encoder.eos_id == tokenizer.eos_token_id


def test_every_token_that_can_be_made_must_be_in_the_model() -> None:
    tokenizer = tiny_tokenizer()
    size = len(tokenizer)
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    encoder = encoder_of(tokenizer, "{prompt}:", 64)
    encoder.check_fits(size)  # nothing makes the padding
    with pytest.raises(EncodingError, match=rf"with the id {size - 1}, but the model knows {size - 1} tokens, 0 to"):
        encoder.check_fits(size - 1)
    with pytest.raises(EncodingError, match=rf"the token '\[PAD\]' with the id {size}"):
        encoder_of(tokenizer, "[PAD]{prompt}:", 64).check_fits(size)
