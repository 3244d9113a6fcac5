"""What a request may be. Everything else is refused before any page is made."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from fedexplorer.web.hosts import host_in, is_allowed
from fedexplorer.web.refusals import Refusal

LONGEST_URL = 2_048  # bytes, as they were sent
MOST_PARAMETERS = 20
LONGEST_VALUE = 500  # characters of a parameter
LARGEST_BODY = 1_024  # bytes; nothing that is sent here needs a body
READING = ("GET", "HEAD")
OTHER_HOST = 421  # misdirected request, by RFC 9110


def refusal(scope: Scope, names: Collection[str]) -> Refusal | None:
    """What is wrong with a request; None if nothing is. `names`: see `is_allowed`."""
    headers = Headers(scope=scope)
    return _host(headers, names) or _address(scope) or _method(scope, headers) or _body(headers)


def _host(headers: Headers, names: Collection[str]) -> Refusal | None:
    given = headers.getlist("host")
    if len(given) == 1 and is_allowed(given[0], names):
        return None
    return Refusal(
        OTHER_HOST,
        "This server is not asked under that name. Whoever runs it can allow the name with --hostname; on the same "
        "machine, use 127.0.0.1.",
    )


def _address(scope: Scope) -> Refusal | None:
    path, raw, query = scope["path"], scope.get("raw_path") or b"", scope.get("query_string") or b""
    if not path.startswith("/") or any(ord(letter) < 0x20 or ord(letter) == 0x7F for letter in path):
        return Refusal(400, "There is no such address. Begin at the first page.")
    if len(raw) + len(query) > LONGEST_URL:
        return Refusal(414, f"The address is longer than {LONGEST_URL} bytes. Leave some of it out.")
    try:
        given = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError:
        return Refusal(400, f"The address has more than {MOST_PARAMETERS} parameters. Leave some of them out.")
    if any(len(value) > LONGEST_VALUE for _, value in given):
        return Refusal(400, f"A value in the address is longer than {LONGEST_VALUE} characters. Shorten it.")
    return None


def _method(scope: Scope, headers: Headers) -> Refusal | None:
    if scope["method"] in READING:
        return None
    if scope["method"] != "POST":
        return Refusal(405, "This server only answers questions.", {"Allow": ", ".join(READING)})
    if is_from_here(headers):
        return None
    return Refusal(403, "This was asked by a page of another site. Open the explorer itself and ask again.")


def is_from_here(headers: Headers) -> bool:
    """Whether a request that starts something comes from a page of the explorer, or from no browser at all. Browsers
    say where a POST comes from: with Sec-Fetch-Site, or, where the connection is not encrypted, with Origin alone."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site == "same-origin"
    if origin is None:
        return True
    authority = urlsplit(origin).netloc
    return host_in(authority) is not None and authority.lower() == headers.get("host", "").lower()


def _body(headers: Headers) -> Refusal | None:
    length = headers.get("content-length", "0")
    if "transfer-encoding" not in headers and length.isdecimal() and int(length) <= LARGEST_BODY:
        return None
    return Refusal(413, "The request holds more than any question to this server needs.")
