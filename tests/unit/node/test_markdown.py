"""Text inside a page stays inside."""

from __future__ import annotations

import re

import pytest
from fednode.markdown import block, code, plain, table
from hypothesis import given
from hypothesis import strategies as st

MEAN = st.text(st.sampled_from("`|\\<*_[](\n\x1b\u2028 ab"), max_size=30)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Four domains, one model (2)", "Four domains, one model (2)"),
        ("<img>", r"&lt;img\>"),
        ("[a](b)", r"\[a\](b)"),
        ("a\nb", r"a\\nb"),
    ],
)
def test_words(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_code() -> None:
    assert code("a_b") == "`a_b`"
    assert code("`a``b|") == r"``` `a``b\| ```"


@given(MEAN)
def test_a_block_ends_where_it_should(text: str) -> None:
    first, *inside, last = block(text).split("\n")
    assert first == last and set(first) == {"`"}
    assert not any(first in line for line in inside)
    assert len(inside) == text.count("\n") + 1


@given(MEAN, MEAN)
def test_a_row_has_as_many_cells_as_it_should(one: str, two: str) -> None:
    row = table(("a", "b"), [(one, two)]).removesuffix("\n").split("\n")[2:]
    assert len(row) == 1
    assert len(re.findall(r"(?<!\\)\|", row[0])) == 3  # a backslash before it is all that GFM looks at
