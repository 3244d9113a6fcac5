"""Which Host headers are answered: DNS rebinding needs a name that nobody gave."""

from __future__ import annotations

import pytest
from fedexplorer.web.hosts import host_name, is_allowed
from fedexplorer.web.security import protected
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from support.explorer_server import exchange, get, running, status

NAMES = {"explorer.example.org", "münchen.example".encode("idna").decode()}

ALLOWED = [
    "localhost",
    "LOCALHOST:8600",
    "localhost:",
    "localhost.",
    "demo.localhost:1",
    "127.0.0.1",
    "127.0.0.1:65535",
    "192.0.2.7:80",
    "[::1]",
    "[::1]:8600",
    "[2001:DB8::7]:443",
    "explorer.example.org",
    "Explorer.Example.ORG.",
    "explorer.example.org:443",
    "xn--mnchen-3ya.example",
]
REFUSED = [
    "",
    "evil.example",
    "explorer.example.org.evil.example",
    "evil-explorer.example.org",
    "example.org",
    "localhost.evil.example",
    "notlocalhost",
    "127.0.0.1.evil.example",
    "127.1",
    "2130706433",
    "0x7f.1",
    "::1",
    "[::1",
    "[::1]evil.example",
    "[localhost]",
    "[::g]",
    "localhost:evil",
    "localhost:123456",
    "user@localhost",
    "localhost/evil",
    "localhost,evil.example",
    "local host",
    "explorer.example.org..",
    ".localhost",
    "-.localhost",
    "a" * 64 + ".localhost",
    "localhost\u0130",
]


@pytest.mark.parametrize("header", ALLOWED)
def test_names_of_this_machine_addresses_and_given_names_are_answered(header: str) -> None:
    assert is_allowed(header, NAMES)


@pytest.mark.parametrize("header", REFUSED)
def test_all_others_are_refused(header: str) -> None:
    assert not is_allowed(header, NAMES)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Explorer.example.org.", "explorer.example.org"),
        (" a_b.local ", "a_b.local"),
        ("münchen.de", "xn--mnchen-3ya.de"),
    ],
)
def test_a_given_name_is_kept_as_browsers_write_it(given: str, name: str) -> None:
    assert host_name(given) == name


@pytest.mark.parametrize(
    "given", ["", "https://a.example", "a.example:80", "*", "*.example.org", "a b", "a..b", "a" * 300]
)
def test_what_is_no_name_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"^(must be|is no)"):
        host_name(given)


def test_on_the_wire() -> None:
    app = Starlette(routes=[Route("/", lambda _: PlainTextResponse("the page"))])
    with running(protected(app, NAMES, lambda _status, text, _here: text)) as port:
        for header in ALLOWED:
            assert get(port, host=header).endswith(b"the page"), header
        for header in REFUSED:
            answer = get(port, host=header)
            assert status(answer) in (400, 421) and b"the page" not in answer, header
        without = exchange(port, "GET / HTTP/1.0\r\n\r\n")
        twice = exchange(port, "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
        other = exchange(port, "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        for answer in (without, twice, other):
            assert status(answer) in (400, 421) and b"the page" not in answer
