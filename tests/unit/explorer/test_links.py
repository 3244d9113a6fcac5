"""Links of the pages are relative, so that they hold under a sub-path and on a disk."""

from __future__ import annotations

import posixpath
from urllib.parse import urljoin

import pytest
from fedexplorer.views import ALL
from fedexplorer.views.view import Model, View
from fedexplorer.web.links import Links


class Nothing(Model):
    pass


def nothing() -> Nothing:
    return Nothing()


VIEWS = {
    view.name: view
    for view in (
        View("home", "/", nothing),
        View("rounds", "/rounds", nothing),
        View("round", "/rounds/{number}", nothing),
        View("leaf", "/trees/{root}/leaves/{index}", nothing),
        View("search", "/search", nothing),
    )
}
PLACES = ("/", "/rounds", "/rounds/3", "/trees/0xab/leaves/7")


@pytest.mark.parametrize("here", PLACES)
@pytest.mark.parametrize("base", ["http://host", "http://host/fed", "https://host/a/b"])
def test_they_lead_to_the_same_page_from_everywhere(here: str, base: str) -> None:
    links = Links(VIEWS, here)
    assert urljoin(base + here, links.to("home")) == base + "/"
    assert urljoin(base + here, links.to("rounds")) == base + "/rounds"
    assert urljoin(base + here, links.to("round", number=12)) == base + "/rounds/12"
    assert urljoin(base + here, links.to("leaf", root="0xcd", index=2)) == base + "/trees/0xcd/leaves/2"
    assert urljoin(base + here, links.api("round", number=12)) == base + "/api/rounds/12"
    assert urljoin(base + here, links.api("home")) == base + "/api/federation"
    assert urljoin(base + here, links.csv("rounds")) == base + "/rounds.csv"
    assert urljoin(base + here, links.csv("round", "updates", number=3)) == base + "/rounds/3/updates.csv"
    assert urljoin(base + here, links.static("style.css")) == base + "/static/style.css"


@pytest.mark.parametrize("here", PLACES)
def test_as_files_they_name_files(here: str) -> None:
    links = Links(VIEWS, here, as_files=True)
    file = "/index.html" if here == "/" else here + ".html"
    at = "file:///somewhere" + file
    assert urljoin(at, links.to("home")) == "file:///somewhere/index.html"
    assert urljoin(at, links.to("round", number=1)) == "file:///somewhere/rounds/1.html"
    assert urljoin(at, links.api("round", number=1)) == "file:///somewhere/api/rounds/1.json"
    assert urljoin(at, links.static("style.css")) == "file:///somewhere/static/style.css"


def test_what_stands_in_a_link_cannot_leave_it() -> None:
    links = Links(VIEWS, "/rounds/3")
    assert links.to("search", q="a&b=c #/../") == "../search?q=a%26b%3Dc+%23%2F..%2F"
    assert links.to("round", number="../x?y") == "./..%2Fx%3Fy"
    assert links.to("rounds", first=None) == "../rounds"


def test_no_two_pages_share_a_name_or_an_address() -> None:
    assert len({view.name for view in ALL}) == len({view.path for view in ALL}) == len(ALL)
    assert all(posixpath.normpath(view.path) == view.path for view in ALL)
