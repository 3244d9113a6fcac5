"""One Chromium for a module's tests, and in it a page with nothing but the check of a round."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page
from support.browser import chromium, tab
from support.browser_rounds import IN_PAGE, SCRIPTS, BrowserRound

__all__ = ["chromium", "tab"]


@pytest.fixture(scope="module")
def check_page(chromium: Any) -> Iterator[Page]:
    """An empty page that came over https, with the scripts and nothing else."""
    with chromium.new_context() as context:
        page = context.new_page()
        page.route("**/*", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
        page.goto("https://explorer.test/")
        for script in SCRIPTS:
            page.add_script_tag(path=script)
        yield page


@pytest.fixture(scope="module")
def check(check_page: Page) -> Callable[..., dict[str, Any]]:
    """Checks a round whose leaves lie in memory."""

    def run(what: BrowserRound, **options: Any) -> dict[str, Any]:
        answer: dict[str, Any] = check_page.evaluate(IN_PAGE, what.argument() | {"options": options})
        return answer

    return run
