"""Chromium for tests, one for a module and an empty profile for each test. Where it is missing, tests that need it say
so, skipped; with FED_NEEDS_CHROMIUM=1, as in continuous integration, they fail.

Use it by `from support.browser import chromium, tab` in a conftest.py.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = "NOT CHECKED IN A BROWSER: Chromium is not there; install it with `apt-get install chromium`"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
ZONE = "Asia/Kolkata"  # no reader's time is the chain's by chance: it is five and a half hours ahead
PATIENCE = 30_000  # milliseconds for whatever a test waits for
expect.set_options(timeout=PATIENCE)
INNER = ("about", "blob", "data")  # addresses of these schemes ask nobody


class Tab:
    """A page in a context of its own, and everything that it did wrong. `expected`: patterns of complaints that a test
    brings about itself."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.complaints: list[str] = []
        self.expected: list[str] = []
        self._home: str | None = None  # where the first page came from: nothing may be asked for elsewhere
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.complaints.append(f"uncaught: {error.error}"))
        context.on("request", self._see)
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE)

    def check(self) -> None:
        """Raises AssertionError if the page complained, or asked anybody else for anything."""
        left = [c for c in self.complaints if not any(re.search(pattern, c) for pattern in self.expected)]
        assert not left, "\n".join(left)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"console: {message.text} ({message.location.get('url')})")

    def _see(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in INNER:
            return
        origin = f"{parts.scheme}://{parts.netloc}"
        self._home = self._home or origin
        if origin != self._home:
            self.complaints.append(f"asked for {request.url}, which is elsewhere")


def executable() -> str | None:
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = executable()
    if path is None:
        (pytest.fail if os.environ.get("FED_NEEDS_CHROMIUM") else pytest.skip)(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Tab]:
    """1,280 pixels wide. The test fails if the page complains in the console, or asks another server for anything."""
    yield from opened(chromium)


@pytest.fixture
def plain_tab(chromium: Browser) -> Iterator[Tab]:
    """The same without JavaScript."""
    yield from opened(chromium, java_script_enabled=False)


def opened(chromium: Browser, **options: object) -> Iterator[Tab]:
    """A tab, checked when it is closed. `options`: of Playwright's new_context."""
    usual = {"viewport": {"width": 1280, "height": 900}, "timezone_id": ZONE, "locale": "en-GB"}
    context = chromium.new_context(**{**usual, **options})  # type: ignore[arg-type]
    found = Tab(context)
    yield found
    context.close()
    found.check()
