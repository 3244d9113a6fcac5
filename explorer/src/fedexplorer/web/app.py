"""The web application, made from the list of views."""

from __future__ import annotations

import csv
import inspect
import io
import typing
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp

from fedexplorer import __version__
from fedexplorer.errors import NotThere, NotYet
from fedexplorer.views.site import Site
from fedexplorer.views.view import Csv, View, as_json
from fedexplorer.web.api_page import api_view
from fedexplorer.web.begin import add_begin
from fedexplorer.web.leaves import add_leaves
from fedexplorer.web.links import Links
from fedexplorer.web.pages import Pages

API = (
    "Every page as JSON. Times are in seconds since 1970, bytes hexadecimal. Money is in token units: whole numbers "
    "that may be larger than 2^53, so read them with a parser that keeps all digits."
)
STATIC = Path(__file__).parent.parent / "static"
CSV_ROWS = 500  # rows that are sent together

Endpoint = Callable[..., Response]
ERRORS: tuple[tuple[type[Exception], int, str], ...] = (
    (NotThere, 404, ""),
    (NotYet, 503, ""),
    (RequestValidationError, 400, "A value in this address is not what it must be."),
    (HTTPException, 404, "Nothing is at this address."),
)
"""Error, status and what the page says; empty: what the error says."""


def make_app(views: Sequence[View], site: Callable[[], Site], live: ASGIApp | None = None) -> FastAPI:
    """The application. `site` gives what pages are made from now; it is asked once for each request, and raises NotYet
    as long as nothing was read. `live`: see `fedexplorer.web.live`."""
    app = FastAPI(
        title="Explorer of a federation",
        version=__version__,
        description=API,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        redirect_slashes=False,  # it would redirect to the name by which the proxy knows this server
    )
    views = (*views, api_view(app))
    pages = Pages(views)
    for view in views:
        _add(app, view, pages, site)
    add_leaves(app, site)
    add_begin(app, site)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    if live is not None:
        app.router.routes.append(Route("/live", live, methods=["GET"]))
    for kind, status, text in ERRORS:
        app.add_exception_handler(kind, _as_page(pages, site, status, text))
    return app


def _add(app: FastAPI, view: View, pages: Pages, site: Callable[[], Site]) -> None:
    def html(request: Request, **parameters: Any) -> Response:
        at, here = site(), _here(request)
        model = view.build(at, **parameters)
        if (other := view.goes_to(model)) is not None and other[0] in pages.views:
            return RedirectResponse(Links(pages.views, here).to(other[0], **other[1]), 303)
        return HTMLResponse(pages.page(view, model, at, here, parameters))

    def json(request: Request, **parameters: Any) -> Response:  # noqa: ARG001
        return Response(view.build(site(), **parameters).model_dump_json(), media_type="application/json")

    model = typing.get_type_hints(view.build)["return"]
    for name, table in view.tables.items():  # before the page: `/block/{number}` would answer for `/block/8.csv`, too
        app.get(view.csv_path(name), include_in_schema=False)(_signed(_csv_endpoint(view, table, site), view))
    app.get(view.path, include_in_schema=False)(_signed(html, view))
    app.get(view.api_path, response_model=model, summary=_summary(view), name=view.name)(_signed(json, view))


def _csv_endpoint(view: View, table: Callable[[Any], Csv], site: Callable[[], Site]) -> Endpoint:
    def endpoint(request: Request, **parameters: Any) -> Response:
        found = table(view.build(site(), **parameters))
        name = _here(request).strip("/").replace("/", "-")
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingResponse(csv_lines(found), media_type="text/csv; charset=utf-8", headers=headers)

    return endpoint


def csv_lines(table: Csv) -> Iterator[str]:
    """The table as CSV (RFC 4180), some rows at a time. A cell that a spreadsheet would take for a formula begins with
    an apostrophe."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(table.header)
    for number, row in enumerate(table.rows, 1):
        writer.writerow([_cell(value) for value in row])
        if number % CSV_ROWS == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _cell(value: object) -> object:
    value = as_json(value)
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return "" if value is None else value


def _signed(endpoint: Endpoint, view: View) -> Endpoint:
    """`endpoint` with the parameters of the view's `build`, from which FastAPI reads and checks a request."""
    hints = typing.get_type_hints(view.build, include_extras=True)
    given = [
        parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in inspect.signature(view.build).parameters.items()
        if name != "site"
    ]
    request = inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Request)
    endpoint.__signature__ = inspect.Signature([request, *given])  # type: ignore[attr-defined]
    endpoint.__doc__ = view.build.__doc__
    return endpoint


def _summary(view: View) -> str:
    return (view.build.__doc__ or view.name).partition("\n")[0].rstrip(".")


def _here(request: Request) -> str:
    """The address without the sub-path that a proxy has put before it."""
    root = request.scope.get("root_path", "")
    path: str = request.scope["path"]
    return path[len(root) :] if root and path.startswith(root + "/") else path


def _as_page(
    pages: Pages, site: Callable[[], Site], status: int, text: str
) -> Callable[[Request, Exception], Response]:
    """How an error is shown: as JSON under `/api`, otherwise as a page."""

    def handler(request: Request, error: Exception) -> Response:
        here, said = _here(request), text or str(error)
        headers = getattr(error, "headers", None)
        if here.startswith("/api/"):
            return JSONResponse({"error": said}, status, headers)
        try:
            at = site()
        except NotYet:
            at = None
        return HTMLResponse(pages.error(status, said, at, here), status, headers)

    return handler
