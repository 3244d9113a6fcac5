"""Which route of the web application answers for an address."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from fedexplorer.errors import NotYet
from fedexplorer.views import ALL
from fedexplorer.views.view import View
from fedexplorer.web.app import make_app
from starlette.routing import Match, Route


@pytest.fixture(scope="module")
def app() -> FastAPI:
    def nothing_yet() -> Any:
        raise NotYet("nothing was read")

    return make_app(ALL, nothing_yet)


@pytest.mark.parametrize("view", ALL, ids=lambda view: view.name)
def test_each_address_of_a_page_is_answered_by_its_own_route(app: FastAPI, view: View) -> None:
    for path in (view.path, view.api_path, *map(view.csv_path, view.tables)):
        asked = path.replace("{", "1").replace("}", "1")
        scope = {"type": "http", "method": "GET", "path": asked, "root_path": "", "headers": []}
        first = next(route for route in app.routes if route.matches(scope)[0] is Match.FULL)
        assert isinstance(first, Route) and first.path == path, asked
