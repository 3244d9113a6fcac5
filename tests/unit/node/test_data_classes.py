"""Answers that are none of the spec's classes: never right, however well they are learned, and so refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from fednode.data import check_data
from fednode.data.classes import Answers
from fedprotocol.spec import Prompt, Spec, load_spec
from support.encoders import encoder_of
from support.specs import small_spec
from support.tiny_model import CLASSES, TEMPLATE, colour_rows, tiny_tokenizer, write_jsonl
from support.tokenizer_kinds import llama2

pytestmark = pytest.mark.model


def spec_of(*classes: str, **prompt: str) -> Spec:
    evaluation = {"classes": list(classes) or None}
    return load_spec(small_spec(evaluation=evaluation, prompt={"template": TEMPLATE, **prompt}))


def answers(completions: list[str], *classes: str) -> Answers:
    found = Answers(classes or CLASSES, str)
    for number, completion in enumerate(completions, start=1):
        found.add(number, completion)
    return found


def test_without_their_leading_space_they_are_near_misses(tmp_path: Path) -> None:
    rows = [{**row, "completion": row["completion"].strip()} for row in colour_rows(8)]
    path = write_jsonl(tmp_path / "d.jsonl", rows)
    spec, encoder = spec_of(*CLASSES), encoder_of(tiny_tokenizer(), TEMPLATE, 64)
    for report in (check_data(path, spec=spec), check_data(path, encoder, spec)):
        assert not report.ok and report.usable == 8
        head, *each = report.errors()
        assert head == "8 answers are none of the spec's classes, and would never count as right:"
        assert any("'white' is the class ' white' without its leading space (" in line for line in each)
        assert each[-1] == "  the classes are ' red', ' green', ' blue', ' white'"
    assert check_data(path).ok, "without a spec nothing is known of classes"
    assert check_data(path, spec=spec_of()).ok, "nor if it has none"


def test_where_the_spec_joins_them_no_site_has_to_think_of_spaces(tmp_path: Path) -> None:
    spec = spec_of(*map(str.strip, CLASSES), join=" ")
    bare = [{**row, "completion": row["completion"].strip()} for row in colour_rows(8)]
    for rows in (bare, colour_rows(8), [{**row, "completion": f"{row['completion']} \n"} for row in bare]):
        report = check_data(write_jsonl(tmp_path / "d.jsonl", rows), spec=spec)
        assert report.ok and report.answers.counts.total() == 8
        assert report.lines()[-2 if report.twins.repeated else -1].startswith("classes: '")


@pytest.mark.parametrize(
    ("completion", "said"),
    [
        ("red", "'red' is the class ' red' without its leading space (line 1)"),
        (" red ", "' red ' is the class ' red' but for the spaces around it (line 1)"),
        (" RED", "' RED' is the class ' red' but for its capitals (line 1)"),
        ("whit", "'whit': is the class ' white' meant? (line 1)"),
        (" purple", "' purple' (line 1)"),
        (" redder", "' redder' (line 1)"),
        (" " + "x" * 99, f"' {'x' * 39}…' (line 1)"),
    ],
)
def test_the_near_miss_is_named(completion: str, said: str) -> None:
    head, line, _ = answers([completion]).errors("line")
    assert head.startswith("1 answer is none of the spec's classes") and line == f"  {said}"


def test_the_most_frequent_are_shown_with_their_first_row() -> None:
    found = answers([" red", "Blue", *["red"] * 3, *(f"odd {i}" for i in range(9)), " red"])
    head, first, *others, more, _ = found.errors("row")
    assert (head[:2], first, len(others), more) == (
        "13",
        "  'red' is the class ' red' without its leading space (3 rows, the first row 3)",
        4,
        "  and 6 other answers",
    )
    assert (found.counts[" red"], found.counts[" blue"]) == (2, 0)
    assert found.lines()[0] == "classes: ' red' 2, ' green' 0, ' blue' 0, ' white' 0"


def test_an_answer_may_go_on_behind_its_class() -> None:
    found = answers([" red, as roses are", " red"])
    assert not found.errors("line") and found.counts[" red"] == 2
    assert "1 answers go on behind their class" in found.lines()[1]


def test_with_a_tokenizer_its_first_token_must_be_the_class_s() -> None:
    """As in evaluation: where a space is a token of its own, all answers with one begin alike."""
    encoder = encoder_of(llama2(), "{prompt}:", 64)
    found = Answers(["r", "red"], str, encoder.first_token)
    for number, completion in enumerate(["red", "r", "r ed", "red:"], start=1):
        found.add(number, completion)
    assert encoder.first_token("r ed") == encoder.first_token("r")
    assert not found.off and found.longer == 2
    assert Prompt(template="{prompt}", join=" ").trimmed(" r\u00a0") == "r"


def test_a_million_different_answers_are_only_counted() -> None:
    found = answers([f"odd {i}" for i in range(5000)])
    assert found.off == 5000 and found.errors("line")[0].startswith("5000 ")
    assert len(found._answers) <= 1000 and len(found._known) <= 1000
