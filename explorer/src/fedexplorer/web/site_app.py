"""The application of one explorer, as the network may see it."""

from __future__ import annotations

from collections.abc import Collection

from starlette.types import ASGIApp

from fedexplorer.errors import NotYet
from fedexplorer.explorer import Explorer
from fedexplorer.views import ALL
from fedexplorer.web.app import make_app
from fedexplorer.web.limits import OTHER_HOST
from fedexplorer.web.live import Live
from fedexplorer.web.pages import Pages
from fedexplorer.web.security import protected


def site_app(explorer: Explorer, names: Collection[str], sub_path: str) -> tuple[ASGIApp, Live]:
    """The application, and the streams in it, which have to be closed before it ends. See `protected`."""
    live = Live(lambda: explorer.follower.version)
    pages = Pages(ALL)
    app = make_app(ALL, explorer.site, live)

    def page(status: int, text: str, here: str) -> str:
        if status == OTHER_HOST:  # a page of another site may be asking: it is told nothing of the federation
            return pages.refused(text)
        try:
            site = explorer.site()
        except NotYet:
            site = None
        return pages.error(status, text, site, here)

    return protected(app, names, page, sub_path), live
