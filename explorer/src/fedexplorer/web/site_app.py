"""The application of one explorer, as the network may see it."""

from __future__ import annotations

from collections.abc import Collection

from starlette.types import ASGIApp

from fedexplorer.explorer import Explorer
from fedexplorer.views import ALL
from fedexplorer.web.app import make_app
from fedexplorer.web.live import Live
from fedexplorer.web.pages import Pages
from fedexplorer.web.security import protected


def site_app(explorer: Explorer, names: Collection[str], sub_path: str) -> tuple[ASGIApp, Live]:
    """The application, and the streams in it, which have to be closed before it ends. See `protected`."""
    live = Live(lambda: explorer.follower.version)
    pages = Pages(ALL)
    app = make_app(ALL, explorer.site, live)
    return protected(app, names, lambda status, text, here: pages.error(status, text, None, here), sub_path), live
