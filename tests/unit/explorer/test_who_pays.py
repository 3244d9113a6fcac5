"""Whether a page says that nobody pays for a masked round in which members did not reveal, and why."""

from __future__ import annotations

import pytest
from fedexplorer.views.next_step import nobody_pays


@pytest.mark.parametrize(
    ("revealed", "matching", "active", "says"),
    [(3, 4, 5, "not all seats committed"), (1, 4, 4, "most of the members did not reveal"), (2, 4, 4, "")],
)
def test_nobody_pays(revealed: int, matching: int, active: int, says: str) -> None:
    found = nobody_pays(revealed, matching, active)
    assert says in found and bool(found) is bool(says)
