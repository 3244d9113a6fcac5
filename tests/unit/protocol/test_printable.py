"""Text that others chose is text and nothing more, whatever they put in."""

from __future__ import annotations

import json
import unicodedata

import pytest
from fedprotocol.printable import json_text, paragraph, printable
from hypothesis import given
from hypothesis import strategies as st

ANY = st.text(st.characters(), max_size=60) | st.text(
    st.sampled_from("\n\r\t\x00\x07\x1b\x7f\x85\x9b\u200b\u200d\u2028\u202e\u2066\ufeff\ud800\U000e0041[]\\ aß漢🙂"),
    max_size=30,
)
UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


@given(ANY)
def test_nothing_of_it_is_obeyed_or_unseen(text: str) -> None:
    shown = printable(text)
    assert not [c for c in shown if unicodedata.category(c) in UNSEEN]
    assert len(shown.splitlines()) <= 1
    shown.encode("utf-8")


@given(ANY)
def test_once_is_enough(text: str) -> None:
    assert printable(printable(text)) == printable(text)


@given(ANY, st.integers(1, 40))
def test_never_longer_than_asked_for(text: str, longest: int) -> None:
    shown = printable(text, longest)
    assert len(shown) <= longest
    assert printable(shown, longest) == shown
    whole = printable(text)
    assert shown == whole if len(whole) <= longest else shown == whole[: longest - 1] + "…"


@pytest.mark.parametrize(
    "text",
    [
        "Krankenhaus Süd – “Wörter”, 25 %",
        "病院\u3000一号, 의료, بيانات, עברית, हिन्दी",
        "🙂 ❤\ufe0f ½ × 10³",
        r"C:\new\x1b and [red]",
        "a\u00a0b",
        "",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text
    assert json_text(text) == json.dumps(text, ensure_ascii=False)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;owned\x07\x1b[2J", r"\x1b]0;owned\x07\x1b[2J"),
        ("no\n12:00:00 INFO\r\t", r"no\n12:00:00 INFO\r\t"),
        ("\x9b2J\x7f\xad", r"\x9b2J\x7f\xad"),
        ("a\u202eb\u2066c\u2028d\u2029", r"a\u202eb\u2066c\u2028d\u2029"),
        ("e\u200bv\u200di\ufeffl\u3164", r"e\u200bv\u200di\ufeffl\u3164"),
        ("\ud83d", r"\ud83d"),
        ("\U000e0041\U000e0100", r"\U000e0041\U000e0100"),
    ],
)
def test_what_was_there_can_be_read(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(ANY)
def test_no_line_of_a_paragraph_passes_for_a_first_one(text: str) -> None:
    first, *others = paragraph(text, margin="  ").split("\n")
    assert all(line.startswith("  ") for line in others)
    assert not [c for line in (first, *others) for c in line if unicodedata.category(c) in UNSEEN]


@given(ANY, st.sampled_from([None, 2]))
def test_json_says_the_same_and_shows_no_more(text: str, indent: int | None) -> None:
    value = {"a": [text], text: 1}
    shown = json_text(value, indent)
    assert json.loads(shown) == json.loads(json.dumps(value))  # which makes one of two surrogates
    assert not [c for c in shown.replace("\n", "") if unicodedata.category(c) in UNSEEN]
    shown.encode("utf-8")
