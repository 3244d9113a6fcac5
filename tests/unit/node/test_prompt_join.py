"""How prompt and answer are joined is the spec's business: one rule in training, in scoring and in generation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset
from fednode.data.encoded_rows import Drawn, Kept
from fednode.data.plain_text import EncodingError
from fednode.training import AdapterModel
from fedprotocol.spec import Evaluation, Prompt
from support.encoders import encoder_of
from support.tiny_model import CLASSES, TEMPLATE, tiny_tokenizer
from support.tiny_spec import tiny_spec
from support.tokenizer_kinds import byte_level_whole_words, llama2, unigram

pytestmark = pytest.mark.model

KINDS: dict[str, Callable[[], Any]] = {
    "byte-level": tiny_tokenizer,
    "llama2": llama2,
    "first": lambda: unigram("first"),
    "always": lambda: unigram("always"),
    "never": lambda: unigram("never"),
    "characters": byte_level_whole_words,
}
VARIANTS = [("a rose", "red"), (" a rose\n", " red"), ("a rose", "red \t"), ("\u00a0a rose", "\nred\u2003")]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("join", [" ", "", "\n", "\n "])
def test_spaces_in_the_data_change_nothing(kind: str, join: str) -> None:
    encoder = encoder_of(KINDS[kind](), "{prompt}:", 64, join)
    [ids] = {tuple(encoder.example(*row).input_ids) for row in VARIANTS}
    assert encoder.first_token(" red ") == encoder.first_token("red")
    if kind == "byte-level":
        assert "".join(encoder.shown(encoder.example("a rose", "red"))) == f"a rose:{join}red<|end|>"
    assert ids[-1] == encoder.eos_id


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("join", [" ", "", "\n"])
def test_training_scoring_and_generation_have_the_same_tokens(kind: str, join: str) -> None:
    encoder = encoder_of(KINDS[kind](), "{prompt}:", 64, join)
    rows = Dataset.from_list([{"prompt": prompt, "completion": answer} for prompt, answer in VARIANTS])
    asked, _ = encoder.prompt("a rose ")
    for trained, scored in zip(Drawn(rows, encoder), Kept(encoder).examples(rows), strict=True):
        assert trained.input_ids == [*scored.input_ids, encoder.eos_id]
        assert trained.input_ids[: trained.prompt_length] == scored.input_ids[: scored.prompt_length] == asked
        assert scored.input_ids[scored.prompt_length] == encoder.first_token("red")
        assert encoder.answer_length("red ") == scored.answer_length
        assert encoder.are_cut(["a rose "] * 2, [64 - len(asked), 65 - len(asked)]) == [False, True]


def test_a_word_behind_a_space_is_the_token_that_the_tokenizer_has_for_it() -> None:
    """A tokenizer that puts a space before every text has one token for it, as for a word in the middle of a text."""
    for tokenizer in (tiny_tokenizer(), llama2()):
        encoder = encoder_of(tokenizer, "{prompt}:", 64, " ")
        whole = tokenizer("rose: red", add_special_tokens=False)["input_ids"]
        assert encoder.first_token("red") == whole[-1]
    old, new = encoder_of(tiny_tokenizer(), TEMPLATE, 64), encoder_of(tiny_tokenizer(), TEMPLATE, 64, " ")
    assert old.example("a rose", " red") == new.example("a rose", "red"), "what the old form meant"
    assert old.first_tokens(CLASSES) == new.first_tokens([name.strip() for name in CLASSES])


def test_without_join_everything_is_taken_as_it_is() -> None:
    encoder = encoder_of(tiny_tokenizer(), TEMPLATE, 64)
    assert encoder.example("a rose", "red").input_ids != encoder.example("a rose", " red").input_ids
    assert encoder.shown(encoder.example(" rose ", " red "))[0] == "Thing:  rose \nColour:"


def test_where_a_space_is_a_token_of_its_own_classes_need_a_line() -> None:
    encoder = encoder_of(byte_level_whole_words(), "{prompt}:", 64, " ")
    with pytest.raises(EncodingError, match=r'set prompt\.join to "\\n"'):
        encoder.first_tokens(["red", "blue"])
    assert len(set(encoder_of(byte_level_whole_words(), "{prompt}:", 64, "").first_tokens(["red", "blue"]))) == 2


def test_without_join_such_a_tokenizer_wants_no_space() -> None:
    with pytest.raises(EncodingError, match="leave the leading space out for this tokenizer, here and in the data"):
        encoder_of(llama2(), "{prompt}:", 64).first_tokens([" red", " blue"])
    assert len(encoder_of(llama2(), "{prompt}:", 64, " ").first_tokens(["red", "blue"])) == 2


def test_a_model_is_trained_scored_and_asked_alike(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what reaches the model itself."""
    spec, _ = tiny_spec(tiny_folder, "fp32", evaluation=Evaluation(classes=CLASSES), steps=1, batch_size=1)
    classes = tuple(map(str.strip, CLASSES))
    joined = spec.model_copy(
        update={"prompt": Prompt(template=TEMPLATE, join=" "), "evaluation": Evaluation(classes=classes)}
    )
    model = AdapterModel.load(joined, str(tiny_folder), "cpu", 1)
    base, seen = model._model.get_base_model(), []
    forward = base.forward

    def watched(*args: Any, **named: Any) -> Any:
        seen.append(named["input_ids"][0].tolist())
        return forward(*args, **named)

    rows = Dataset.from_list([{"prompt": " a rose ", "completion": "red\n", "domain": None}])
    monkeypatch.setattr(base, "forward", watched)
    model.train(joined, rows, 1, seed=0)
    evaluation = model.evaluate(joined, rows)
    model.generate(joined, "a rose\n", 1)
    trained, scored, asked = seen
    answer = model.encoder.first_token("red")
    assert scored == trained[:-1] == [*asked, answer] and trained[-1] == model.encoder.eos_id
    assert evaluation.accuracy in (0.0, 1.0)
