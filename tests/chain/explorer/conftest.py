"""One explored federation and one Chromium for a module's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.browser import chromium, plain_tab, tab
from support.explored_site import ExploredSite, explored_site

__all__ = ["chromium", "plain_tab", "tab"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExploredSite]:
    """Its last round is in Train, where half of the sites have committed."""
    with explored_site(tmp_path_factory.mktemp("explored")) as found:
        yield found
