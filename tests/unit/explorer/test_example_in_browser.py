"""The pages that are committed as an example open from a disk, and their round with a lie can be checked there."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.browser import Tab

EXAMPLE = Path(__file__).parents[3] / "docs" / "explorer-example"
LIE = EXAMPLE / "rounds/2/check.html"
pytestmark = pytest.mark.process


@pytest.mark.parametrize(("which", "verdict"), [(0, "right"), (1, "wrong")])
def test_the_example_is_checked_from_a_disk(tab: Tab, which: int, verdict: str) -> None:
    """And asks for nothing elsewhere: `tab` sees to it."""
    tab.page.goto((EXAMPLE / "index.html").as_uri())
    assert "Three sites" in tab.page.inner_text("header")
    tab.page.goto(LIE.as_uri())
    tab.page.locator("form.check input[type=radio]").nth(which).check()
    tab.page.locator("form.check .start").click()
    result = tab.page.locator("form.check .result[data-verdict]")
    result.wait_for()
    assert result.get_attribute("data-verdict") == verdict, result.inner_text()
