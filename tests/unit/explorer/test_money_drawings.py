"""The drawings of the money: amounts on top of one another, and arrows between the sums."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from fedexplorer.history.books import FLOWS, Purpose
from fedexplorer.views.flow_diagram import BOXES, arrows
from fedexplorer.views.stacked import HEIGHT, WIDTH, stacked
from hypothesis import given
from hypothesis import strategies as st

AMOUNTS = st.lists(st.tuples(*[st.integers(0, 10**24)] * 3), min_size=1, max_size=8)


def edges(path: str) -> list[tuple[int, int]]:
    """Where an area's upper edge steps, and how high it is there."""
    return [(int(x), int(y)) for x, y in re.findall(r"H(\d+)V(\d+)", path)][:-1]


@given(values=AMOUNTS, length=st.integers(0, 10**6))
def test_each_area_is_as_high_as_all_below_it_together(values: list[tuple[int, int, int]], length: int) -> None:
    times = [1_000 + i * 7 for i in range(len(values))]
    series = [(name, [v[i] for v in values]) for i, name in enumerate("abc")]
    end = times[-1] + length
    drawn = stacked(times, series, [sum(v) for v in values], end)
    assert drawn is not None and [area.name for area in drawn.areas] == ["c", "b", "a"]
    top = drawn.ticks[0]
    assert top >= max(map(sum, values)) and drawn.ticks[-1] == 0
    assert len({high - low for high, low in zip(drawn.ticks, drawn.ticks[1:], strict=False)}) == 1
    for area, count in zip(reversed(drawn.areas), (1, 2, 3), strict=True):
        found = edges(area.path)
        assert len(found) == len(times)
        for (x, y), time, value in zip(found, times, values, strict=True):
            assert x == WIDTH * (time - times[0]) // max(1, end - times[0])
            assert abs(Fraction(HEIGHT - y, HEIGHT) - Fraction(sum(value[:count])) / top) <= Fraction(1, HEIGHT)
    assert drawn.line.startswith(f"M0 {edges(drawn.areas[0].path)[0][1]}")


@pytest.mark.parametrize(("largest", "top"), [(1, 4), (4, 4), (7, 8), (9, 12), (33, 40), (10_001, 20_000)])
def test_the_lines_across_are_at_round_amounts(largest: int, top: int) -> None:
    drawn = stacked([0], [("a", [largest])], [None], 10)
    assert drawn is not None and drawn.ticks[0] == top and drawn.line == ""


def test_nothing_and_zero_can_be_drawn() -> None:
    assert stacked([], [("a", [])], [], 5) is None
    drawn = stacked([3], [("a", [0])], [0], 3)
    assert drawn is not None and edges(drawn.areas[0].path) == [(0, HEIGHT)]


def test_every_flow_has_an_arrow_and_none_that_moved_nothing() -> None:
    all_of_them = arrows([(flow.source, flow.target, 10**18) for flow in FLOWS])
    assert {(a.source, a.target) for a in all_of_them} == {(f.source, f.target) for f in FLOWS}
    assert sum(a.amount for a in all_of_them) == len(FLOWS) * 10**18
    assert {box.name for box in BOXES} >= {purpose for purpose in Purpose if purpose is not Purpose.OUTSIDE}
    assert arrows([]) == arrows([(Purpose.OUTSIDE, Purpose.POOL, 0)]) == ()
