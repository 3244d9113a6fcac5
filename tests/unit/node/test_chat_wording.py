"""Conversations in a base model's own chat template, held against transformers' `apply_chat_template`."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from fednode.base_model.chat_template import digest_of, without_clock
from fednode.data import Columns, check_data, read_rows
from fednode.data.encode import Encoder
from fednode.data.held_out import is_held_out
from fednode.data.plain_text import EncodingError
from fednode.data.turns import Turn, as_text, turns_in
from fedprotocol.spec import Prompt
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support.chat_templates import CHATML, GEMMA, LLAMA3, PUT_TOGETHER, THINKS, TODAY, USABLE, Chat, with_template
from support.encoders import chat_encoder
from support.tiny_model import write_jsonl

pytestmark = pytest.mark.model

SYSTEM, ASKED, ANSWERED = ("system", "Be brief."), ("user", "a small rose"), ("assistant", "red")
CONVERSATIONS: tuple[tuple[Turn, ...], ...] = (
    (ASKED,),
    (SYSTEM, ASKED),
    (ASKED, ANSWERED, ("user", "and the sea?")),
    (SYSTEM, ASKED, ANSWERED, ("user", " and\nthe sea? ")),
)
LENGTH = 2048


def messages(turns: tuple[Turn, ...]) -> list[dict[str, str]]:
    return [{"role": role, "content": content} for role, content in turns]


def by_transformers(tokenizer: Any, turns: tuple[Turn, ...], goes_on: bool) -> list[int]:
    """Its tokens on a day without a date."""
    template = without_clock(tokenizer.chat_template)
    made = tokenizer.apply_chat_template(
        messages(turns), chat_template=template, add_generation_prompt=goes_on, return_dict=False
    )
    return list(made)


@pytest.fixture(params=list(USABLE), scope="module")
def kind(request: pytest.FixtureRequest) -> tuple[str, Chat, Any, Encoder]:
    chat = USABLE[request.param]
    tokenizer = chat.tokenizer()
    return request.param, chat, tokenizer, chat_encoder(tokenizer, LENGTH)


@pytest.mark.parametrize("turns", CONVERSATIONS)
def test_the_tokens_are_those_of_transformers(kind: tuple[str, Chat, Any, Encoder], turns: tuple[Turn, ...]) -> None:
    name, _, tokenizer, encoder = kind
    if name == "Gemma" and turns[0][0] == "system":
        assert "System role not supported" in (encoder.refused(as_text(turns)) or "")
        return
    question = encoder.question(turns)
    assert encoder.refused(question) is None
    assert encoder.prompt(question) == (by_transformers(tokenizer, turns, goes_on=True), False)
    example = encoder.example(question, "deep blue")
    whole = by_transformers(tokenizer, (*turns, ("assistant", "deep blue")), goes_on=False)
    of_template = whole[: len(example.input_ids)]
    if name == "Gemma":  # its turns do not end with the end of text, which is added
        assert example.input_ids[:-1] == of_template[:-1]
    else:
        assert example.input_ids == of_template
    assert example.input_ids[-1] == tokenizer.eos_token_id == encoder.eos_id
    unended = encoder.example(question, "deep blue", end=False).input_ids
    assert unended == example.input_ids[: -encoder.end_length]


@settings(max_examples=40, deadline=None)
@given(said=st.lists(st.sampled_from(["<|im_end|>", "</s>", "<eos>", "<|eot|>", "<|im_start|>", "a", " ", "\n"])))
def test_what_is_said_is_never_a_control_token(kind: tuple[str, Chat, Any, Encoder], said: list[str]) -> None:
    _, chat, tokenizer, encoder = kind
    text = "x" + "".join(said) + "x"
    control = set(tokenizer.convert_tokens_to_ids([*chat.control, *filter(None, [chat.start])]))

    def written(content: str) -> list[int]:
        turns = (("user", content), ("assistant", content), ("user", content))
        ids = encoder.example(as_text(turns), content).input_ids
        return [key for key in ids if key in control]

    assert written(text) == written("x")


def test_a_conversation_that_is_too_long_loses_its_oldest_turns_first() -> None:
    tokenizer = LLAMA3.tokenizer()
    encoder = chat_encoder(tokenizer, 160)
    turns = (SYSTEM, *itertools.chain(*((("user", f"question {n}"), ("assistant", f"answer {n}")) for n in range(9))))
    example = encoder.example(as_text((*turns, ("user", "the last one"))), "red")
    seen = tokenizer.decode(example.input_ids)
    assert example.truncated and not example.answer_cut and len(example.input_ids) <= 160
    assert "Be brief." in seen and "the last one" in seen and seen.endswith("red<|eot|>")
    kept = [n for n in range(9) if f"question {n}" in seen]
    assert kept == list(range(kept[0], 9)) and 0 < len(kept) < 9
    assert all(f"answer {n}" in seen for n in kept)
    assert encoder.are_cut([as_text((*turns, ASKED)), as_text((SYSTEM, ASKED))], [3, 3]) == [True, False]
    long = encoder.example(as_text((("system", "word " * 99), ("user", "word " * 99))), "red")
    assert long.truncated and len(long.input_ids) <= 160 and tokenizer.decode(long.input_ids).endswith("red<|eot|>")


@pytest.mark.parametrize(
    ("chat", "says"),
    [
        (PUT_TOGETHER, "puts its control tokens together"),
        (THINKS, "begins an answer otherwise than it writes one"),
        (TODAY, "refuses it: 'no_clock_here' is undefined"),
        (Chat("{{ messages[0]['content'] | upper }}", ("<|end|>",)), "does not write every answer as it is"),
        (Chat("{{ messages[0]['content'] }", ("<|end|>",)), "refuses it: unexpected"),
        (Chat("{{ ''.__class__.__mro__ }}", ("<|end|>",)), "refuses it: access to attribute '__class__'"),
    ],
)
def test_templates_that_cannot_be_used_are_refused(chat: Chat, says: str) -> None:
    with pytest.raises(EncodingError, match="chat template") as error:
        chat_encoder(chat.tokenizer(), LENGTH)
    assert says in str(error.value)


def test_the_template_is_the_specs_or_refused() -> None:
    tokenizer = CHATML.tokenizer()
    chat_encoder(tokenizer, LENGTH, digest_of(CHATML.template))
    with pytest.raises(EncodingError, match="another chat template than the spec's"):
        chat_encoder(tokenizer, LENGTH, digest_of(CHATML.template + " "))
    with pytest.raises(EncodingError, match="no chat template of its own"):
        chat_encoder(with_template(None, CHATML.control), LENGTH)


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        ({"template": "chat"}, "prompt.turns"),
        ({"template": "chat", "turns": "last", "join": " "}, "prompt.join belongs to"),
        ({"template": "{prompt}:", "turns": "last"}, "belong to the template"),
        ({"template": "{prompt}:", "chat_template": "0x" + 64 * "0"}, "belong to the template"),
        ({"template": "Chat", "turns": "last"}, "exactly once, or be chat"),
        ({"template": "chat", "turns": "first"}, "turns"),
        ({"template": "{prompt}:", "turns": None}, "must be left out"),
    ],
)
def test_prompts_that_contradict_themselves(prompt: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Prompt.model_validate(prompt)


# ------------------------------------------------------------------------ the rows


TALK = [*messages((SYSTEM, ASKED, ANSWERED)), *messages((("user", "and the sea?"), ("assistant", "blue")))]
ROWS: list[dict[str, Any]] = [
    {"messages": TALK, "domain": "warm"},
    {"prompt": "the sky", "completion": "blue"},
    {"instruction": "Name it.", "input": "snow", "output": "white"},
    {"conversations": [{"from": "human", "value": "grass"}, {"from": "gpt", "value": "green"}]},
]


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ("last", [((*(SYSTEM, ASKED, ANSWERED), ("user", "and the sea?")), "blue")]),
        ("every", [((SYSTEM, ASKED), "red"), ((*(SYSTEM, ASKED, ANSWERED), ("user", "and the sea?")), "blue")]),
    ],
)
def test_rows_are_conversations(tmp_path: Path, turns: Any, expected: list[Any]) -> None:
    found = read_rows(write_jsonl(tmp_path / "d.jsonl", ROWS), Columns(turns=turns))
    assert not found.problems
    told = [(tuple(turns_in(row.prompt)), row.completion) for row in found.rows]
    assert told == [
        *expected,
        ((("user", "the sky"),), "blue"),
        ((("user", "Name it.\n\nsnow"),), "white"),
        ((("user", "grass"),), "green"),
    ]


def test_an_answer_of_weight_0_is_read_and_not_learned(tmp_path: Path) -> None:
    first, last = ([{**one, "weight": int(at != n)} for at, one in enumerate(TALK)] for n in (2, 4))
    for rows, turns, answers in (
        ([first], "every", ["blue"]),
        ([last], "every", ["red"]),
        ([first], "last", ["blue"]),
    ):
        file = write_jsonl(tmp_path / "d.jsonl", [{"messages": row} for row in rows])  # type: ignore[dict-item]
        assert [row.completion for row in read_rows(file, Columns(turns=turns)).rows] == answers  # type: ignore[arg-type]
    silent = [{**one, "weight": 0} for one in TALK]
    file = write_jsonl(tmp_path / "d.jsonl", [{"messages": silent}])  # type: ignore[dict-item]
    [problem] = read_rows(file, Columns(turns="every")).problems
    assert "every answer has weight 0" in str(problem)


def test_the_rows_of_a_conversation_are_on_one_side(tmp_path: Path) -> None:
    talks = [
        {"messages": messages(tuple((role, f"{n} {at}") for at, role in enumerate(["user", "assistant"] * 4)))}
        for n in range(200)
    ]
    rows = read_rows(write_jsonl(tmp_path / "d.jsonl", talks), Columns(turns="every")).rows  # type: ignore[arg-type]
    sides = [{is_held_out(row, 0.3) for row in rows[first : first + 4]} for first in range(0, len(rows), 4)]
    assert len(sides) == 200 and all(len(side) == 1 for side in sides)
    assert 30 < sum(True in side for side in sides) < 90


def test_data_check_names_conversations_that_the_template_refuses(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "d.jsonl", ROWS)
    encoder = chat_encoder(GEMMA.tokenizer(), LENGTH)
    report = check_data(file, encoder, columns=Columns(turns="last"))
    assert (report.usable, report.ok) == (3, False)
    assert report.errors() == [
        "1 row cannot be used:",
        "  line 1: the base model's chat template refuses it: System role not supported",
    ]
    assert "<start_of_turn>user" in "".join(report.sample) and ">>>blue<end_of_turn><eos><<<" in report.sample[-1]
