"""Chat messages: what becomes the prompt, what the answer, and which are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fednode.base_model import load_tokenizer
from fednode.data import read_rows
from fednode.data.messages import answers_in
from support.encoders import encoder_of
from support.tiny_model import TEMPLATE

pytestmark = pytest.mark.model

SYSTEM, USER, ASSISTANT = (
    lambda text, role=role: {"role": role, "content": text} for role in ("system", "user", "assistant")
)
ASKED, ANSWERED = USER("a small rose"), ASSISTANT(" red")


def prompt_and_answer(messages: Any) -> tuple[str, str] | str:
    """Of messages with one answer that is learned."""
    found = answers_in(messages)
    if isinstance(found, str):
        return found
    [only] = found
    return only


def test_a_lone_question_is_the_prompt_as_it_is(tiny_folder: Path) -> None:
    question = "  a small\n\nrose "
    assert prompt_and_answer([USER(question), ANSWERED]) == (question, " red")
    tokenizer = load_tokenizer(tiny_folder)
    example = encoder_of(tokenizer, TEMPLATE, 48).example(*prompt_and_answer([ASKED, ANSWERED]))
    assert tokenizer.decode(example.input_ids) == "Thing: a small rose\nColour: red<|end|>"


def test_what_stands_before_the_last_answer_is_written_out() -> None:
    assert prompt_and_answer([SYSTEM("Be brief."), ASKED, ANSWERED]) == (
        "System: Be brief.\n\nUser: a small rose",
        " red",
    )
    turns = [ASKED, ASSISTANT("red"), USER("and\nthe sea?"), ASSISTANT("blue")]
    assert prompt_and_answer(turns) == ("User: a small rose\n\nAssistant: red\n\nUser: and\nthe sea?", "blue")


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([], "messages is empty"),
        ("hello", "messages is not a list but str"),
        ({"role": ["user"], "content": ["x"]}, "messages is not a list but dict"),
        ([ASKED, "red"], "message 2 is not an object"),
        ([ASKED], "end with the role user"),
        ([ASKED, ANSWERED, ASKED], "end with the role user"),
        ([SYSTEM("x")], "end with the role system"),
        ([ANSWERED], "message 1 has the role assistant; first comes system or user"),
        ([SYSTEM("x"), ANSWERED], "message 2 has the role assistant; after system comes user"),
        ([ASKED, ASKED, ANSWERED], "message 2 has the role user; after user comes assistant"),
        ([ASKED, ANSWERED, ANSWERED], "message 3 has the role assistant; after assistant comes user"),
        ([ASKED, SYSTEM("x"), ANSWERED], "message 2 has the role system; after user comes assistant"),
        ([ASKED, {"role": "tool", "content": "x"}], "message 2 has the role 'tool'; it must be system"),
        ([{"from": "human", "value": "x"}, ANSWERED], "message 1 has no role"),
        ([{"role": [["user"]], "content": "x"}, ANSWERED], "message 1 has no role"),
        ([ASKED, {"role": "assistant"}], "has no content of message 2"),
        ([ASKED, ASSISTANT("\n ")], "content of message 2 is empty"),
        ([USER(""), ANSWERED], "content of message 1 is empty"),
        ([ASKED, ASSISTANT([{"type": "image_url", "image_url": {}}])], "message 2 has a part of the type 'image_url'"),
        ([ASKED, ASSISTANT([{"type": "text"}])], "content of message 2 has a part of the type 'text' without one"),
        ([ASKED, ASSISTANT(["x"])], "content of message 2 has a part without a type; only text"),
        ([ASKED, ASSISTANT([])], "content of message 2 is empty"),
        ([USER([{"type": "text", "text": "\ud800"}]), ANSWERED], "message 1 holds half a surrogate pair"),
        ([ASKED, {**ANSWERED, "weight": 0}], "the last answer has weight 0: it is not to be learned"),
        ([ASKED, {**ANSWERED, "weight": False}], "the last answer has weight 0"),
        ([ASKED, {**ANSWERED, "weight": 0.5}], "message 2 has the weight 0.5; it must be 0 (not learned) or 1"),
        ([ASKED, {**ANSWERED, "weight": "0"}], "message 2 has the weight '0'; it must be 0"),
        ([USER("\ud800"), ANSWERED], "content of message 1 holds half a surrogate pair"),
    ],
)
def test_wrong_messages_are_named(messages: Any, said: str) -> None:
    found = prompt_and_answer(messages)
    assert isinstance(found, str)
    assert said in found


def test_parts_of_text_are_put_together() -> None:
    """`openai-parts-and-weight.jsonl`."""
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": " small rose"}]
    assert prompt_and_answer([USER(parts), ASSISTANT([{"type": "text", "text": " red"}])]) == ("a small rose", " red")


def test_an_answer_of_weight_1_is_learned_and_an_earlier_one_of_0_is_read() -> None:
    earlier = [ASKED, {**ANSWERED, "weight": 0}, USER("x"), {**ANSWERED, "weight": 1}]
    assert prompt_and_answer(earlier) == ("User: a small rose\n\nAssistant:  red\n\nUser: x", " red")
    assert prompt_and_answer([ASKED, {**ANSWERED, "weight": None}]) == ("a small rose", " red")


def test_both_forms_may_stand_in_a_file_but_not_in_a_row(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"messages": [ASKED, {**ANSWERED, "name": "x"}], "domain": "warm", "prompt": None, "id": 3},
        {"prompt": "the sea", "completion": " blue", "messages": None},
        {"messages": [ASKED, ANSWERED], "prompt": "x"},
        {"messages": [ASKED, ANSWERED], "prompt": "x", "completion": "y"},
        {"conversations": [{"from": "human", "value": "x"}]},
        {"messages": [ASKED], "domain": "warm"},
        {"messages": [ASKED, ANSWERED], "domain": 7},
    ]
    path = tmp_path / "d.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    table = read_rows(path)
    assert [(row.prompt, row.completion, row.domain) for row in table.rows] == [
        ("a small rose", " red", "warm"),
        ("the sea", " blue", None),
    ]
    assert [str(problem) for problem in table.problems] == [
        "line 3: has messages beside prompt; give one or the other",
        "line 4: has messages beside prompt and completion; give one or the other",
        "line 5: messages end with the role user, not with an answer of the assistant",
        "line 6: messages end with the role user, not with an answer of the assistant",
        "line 7: domain is not text but int",
    ]


def test_a_csv_column_of_that_name_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("prompt,messages,completion\nx,3,y\n")
    table = read_rows(tmp_path / "d.csv")
    assert (len(table.rows), table.problems) == (1, ())
