"""What a visitor can have the server do: compute a round again. It is done once, and nothing of it is secret."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI
from fastapi.responses import RedirectResponse, Response

from fedexplorer.views.recompute import Number, begin, build
from fedexplorer.views.site import Site


def add_begin(app: FastAPI, site: Callable[[], Site]) -> None:
    """Add the addresses by which it is begun to the application."""

    @app.post("/rounds/{number}/recompute", include_in_schema=False)
    def from_page(number: Number) -> Response:
        begin(site(), number)
        return RedirectResponse("recompute", 303)

    @app.post("/api/rounds/{number}/recompute", name="begin_recompute", status_code=202)
    def from_program(number: Number) -> Response:
        """Have a round computed again, unless that was done; GET from the same address says how it stands."""
        begin(site(), number)
        page = build(site(), number)
        return Response(page.model_dump_json(), 202, media_type="application/json")
