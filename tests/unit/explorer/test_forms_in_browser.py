"""The one form that starts something works where browsers say least about a request: over http, under a name."""

from __future__ import annotations

import pytest
from fedexplorer.web.security import protected
from playwright.sync_api import sync_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from support.browser import FLAGS, MISSING, executable
from support.explorer_server import running

OWN, OTHER = "explorer.example.org", "evil.example"


def form(request: Request) -> Response:
    target = f"http://{OWN}:{request.url.port}/start" if request.url.hostname == OTHER else "start"
    return HTMLResponse(f'<!doctype html><form method="post" action="{target}"><button>start</button></form>')


def start(request: Request) -> Response:
    return PlainTextResponse(f"started, origin {request.headers.get('origin')}")


@pytest.mark.process
def test_a_form_of_its_own_starts_something_and_one_of_another_site_does_not() -> None:
    if executable() is None:
        pytest.skip(MISSING)
    routes = [Route("/", form), Route("/start", start, methods=["POST"])]
    own = protected(Starlette(routes=routes), {OWN}, lambda status, text, _here: f"<p>{status} {text}")
    rules = f"--host-resolver-rules=MAP {OWN} 127.0.0.1, MAP {OTHER} 127.0.0.1"
    with (
        running(own) as port,
        running(Starlette(routes=routes)) as elsewhere,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=executable(), args=[*FLAGS, rules]) as browser,
    ):
        page = browser.new_page()
        page.goto(f"http://{OWN}:{port}/")
        page.get_by_role("button").click()
        page.get_by_text("started").wait_for()
        page.goto(f"http://{OTHER}:{elsewhere}/")
        page.evaluate(f"document.forms[0].action = 'http://{OWN}:{port}/start'")
        page.get_by_role("button").click()
        page.get_by_text("403").wait_for()
