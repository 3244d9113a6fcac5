"""Completions that no class of the spec begins: never right, however well they are learned."""

from __future__ import annotations

from pathlib import Path

import pytest
from fednode.data import check_data
from fednode.data.classes import off_class
from fednode.data.encode import Encoder
from support.tiny_model import CLASSES, TEMPLATE, colour_rows, tiny_tokenizer, write_jsonl
from support.tokenizer_kinds import llama2

pytestmark = pytest.mark.model


def test_without_their_leading_space_none_begins_with_a_class(tmp_path: Path) -> None:
    """`no-leading-space.jsonl`."""
    rows = [{**row, "completion": row["completion"].strip()} for row in colour_rows(8)]
    path = write_jsonl(tmp_path / "d.jsonl", rows)
    encoder = Encoder(tiny_tokenizer(), TEMPLATE, 64)
    for report in (check_data(path, classes=CLASSES), check_data(path, encoder, CLASSES)):
        [said] = [line for line in report.lines() if "classes" in line]
        assert said.startswith("8 completions begin with none of the spec's classes: '")
        assert f"{report.off_class.nearly[0]!r} where the class is {' ' + report.off_class.nearly[0]!r}" in said
        assert report.ok, "they can be trained on"
    assert check_data(path).off_class is None, "a spec without classes"
    right = write_jsonl(tmp_path / "right.jsonl", colour_rows(8))
    assert check_data(right, encoder, CLASSES).off_class is None


@pytest.mark.parametrize(
    ("completions", "said"),
    [
        ([" red", " red deer", " green"], None),
        ([" red", " purple"], "1 completion begins with none of the spec's classes"),
        (
            [" purple", "Red", "RED", "Red"],
            "4 completions begin with none of the spec's classes: 'Red' where the class",
        ),
        (["\n white wine" + "x" * 99], "1 completion begins with none of the spec's classes: '\\n white winexxx"),
    ],
)
def test_what_is_said(completions: list[str], said: str | None) -> None:
    found = off_class(completions, CLASSES)
    assert found is None if said is None else str(found).startswith(said)


def test_with_a_tokenizer_it_is_the_first_token_that_counts() -> None:
    """As in evaluation."""
    encoder = Encoder(llama2(), "{prompt}:", 64)
    assert off_class(["red", "redder"], ["red"], encoder.first_token) is None
    found = off_class(["red", " red", "r"], ["red"], encoder.first_token)
    assert found is not None and (found.count, found.nearly) == (2, (" red", "red"))
