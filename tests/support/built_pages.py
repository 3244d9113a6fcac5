"""Pages of the explorer as they are made of a chain, without a server."""

from __future__ import annotations

import csv
import io
from typing import Any

from fedexplorer.follow.first_block import first_block
from fedexplorer.follow.follower import Follower
from fedexplorer.views import ALL
from fedexplorer.views.site import Site
from fedexplorer.views.view import View
from fedexplorer.web.app import csv_lines
from fedexplorer.web.pages import Pages
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import EventIndex


def read(coordinator: Coordinator) -> Site:
    follower = Follower(lambda: coordinator, lambda c: EventIndex(c, None, lambda: first_block(c)))
    follower.look()
    return Site(follower.state())


def html(site: Site, view: View, **parameters: Any) -> str:
    path = view.path.format(**parameters)
    return Pages(ALL).page(view, view.build(site, **parameters), site, path, parameters)


def table(site: Site, view: View, name: str = "", **parameters: Any) -> list[dict[str, str]]:
    text = "".join(csv_lines(view.tables[name](view.build(site, **parameters))))
    return list(csv.DictReader(io.StringIO(text)))
