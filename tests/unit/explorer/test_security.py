"""What every answer has, what is refused, and that errors tell nothing about this machine."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fedexplorer.web.limits import LARGEST_BODY, LONGEST_URL, LONGEST_VALUE, MOST_PARAMETERS
from fedexplorer.web.live import Live
from fedexplorer.web.security import HEADERS, protected
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from support.explorer_server import get, running, status

SECRET = "/home/somebody/key-of-the-endpoint"


def page(request: Request) -> Response:
    return PlainTextResponse(f"the page {request.url.path}")


def fails(_: Request) -> Response:
    raise RuntimeError(SECRET)


def fails_later(_: Request) -> Response:
    def pieces() -> Iterator[str]:
        yield "a beginning"
        raise RuntimeError(SECRET)

    return StreamingResponse(pieces())


def long(_: Request) -> Response:
    return StreamingResponse(str(number) for number in range(10))


def missing(_: Request) -> Response:
    raise HTTPException(404, "nothing there")


class Started:
    """Counts what was started."""

    count = 0

    def start(self, _: Request) -> Response:
        self.count += 1
        return JSONResponse({"started": self.count})


started = Started()


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    (tmp_path / "a.css").write_text("body {}")
    routes = [
        Route("/", page),
        Route("/rounds", page),
        Route("/fails", fails),
        Route("/api/fails", fails),
        Route("/fails-later", fails_later),
        Route("/long", long),
        Route("/missing", missing),
        Route("/start", started.start, methods=["POST"]),
        Route("/live", Live(lambda: 1), methods=["GET"]),
        Mount("/static", StaticFiles(directory=tmp_path)),
    ]
    app = protected(Starlette(routes=routes), {"explorer.example"}, lambda status, text, _: f"<p>{status}: {text}")
    return TestClient(app, base_url="http://127.0.0.1", follow_redirects=False)


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/", 200), ("/none", 404), ("/missing", 404), ("/fails", 500), ("/long", 200), ("/static/a.css", 200)],
)
def test_every_answer_tells_browsers_to_be_strict(client: TestClient, path: str, expected: int) -> None:
    answer = client.get(path)
    assert answer.status_code == expected
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "cache-control" in answer.headers
    assert not {"server", "x-powered-by", "access-control-allow-origin", "set-cookie"} & answer.headers.keys()


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy and "*" not in policy and "http" not in policy
    assert "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy and "form-action 'self'" in policy


def test_a_refused_request_has_the_headers_too(client: TestClient) -> None:
    answer = client.get("/", headers={"Host": "evil.example"})
    assert answer.status_code == 421 and answer.headers["Content-Security-Policy"]
    assert "--hostname" in answer.text and "evil" not in answer.text


@pytest.mark.parametrize("path", ["/", "/long", "/static/a.css", "/missing", "/live"])
def test_head_is_answered_like_get_without_the_body(client: TestClient, path: str) -> None:
    """The stream too, which would never end."""
    head = client.head(path)
    assert head.content == b"" and head.headers["Content-Security-Policy"]
    if path != "/live":
        assert head.status_code == client.get(path).status_code


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_no_other_methods(client: TestClient, method: str) -> None:
    answer = client.request(method, "/")
    assert answer.status_code == 405 and answer.headers["Allow"] == "GET, HEAD"


def test_what_is_too_long_is_refused_and_what_is_just_short_enough_is_not(client: TestClient) -> None:
    def code(path: str) -> int:
        return client.get(path).status_code

    assert code("/none?a=" + LONGEST_VALUE * "x") == 404
    assert code("/none?a=" + (LONGEST_VALUE + 1) * "x") == 400
    assert code("/none?" + "&".join(f"a{n}=1" for n in range(MOST_PARAMETERS))) == 404
    assert code("/none?" + "&".join(f"a{n}=1" for n in range(MOST_PARAMETERS + 1))) == 400
    assert code("/" + (LONGEST_URL - 1) * "x") == 404
    assert code("/" + LONGEST_URL * "x") == 414
    assert code("/none?" + LONGEST_URL * "x") == 414


@pytest.mark.parametrize("path", ["/%00", "/static/%00", "/a%0d%0aSet-Cookie:x", "/%1b[2J", "/%7f"])
def test_addresses_with_control_characters_are_refused(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 400 and "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/static/../security.py", "/static/..%2f..%2fweb/security.py", "/static/%2e%2e/x", "/static//etc/passwd"]
)
def test_files_outside_are_not_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in (308, 404)


def test_bodies_are_refused_unread(client: TestClient) -> None:
    assert client.post("/start", content=LARGEST_BODY * b"x").status_code == 200
    assert client.post("/start", content=(LARGEST_BODY + 1) * b"x").status_code == 413
    assert client.post("/start", content=iter([b"x"])).status_code == 413
    assert client.request("GET", "/", content=2_000 * b"x").status_code == 413


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://public.example"}, 200),  # through a proxy
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "http://127.0.0.1"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:81"}, 403),
        ({"Origin": "http://127.0.0.1.evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
    ],
)
def test_only_pages_of_the_explorer_may_start_something(
    client: TestClient, headers: dict[str, str], expected: int
) -> None:
    before = started.count
    answer = client.post("/start", headers=headers)
    assert answer.status_code == expected and started.count - before == (expected == 200)


@pytest.mark.parametrize("path", ["/fails", "/api/fails"])
def test_an_error_says_its_number_and_the_log_has_the_rest(
    client: TestClient, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = client.get(path)
    assert answer.status_code == 500 and SECRET not in answer.text and "Traceback" not in answer.text
    record = next(record for record in caplog.records if record.name == "fedexplorer.web.failures")
    number: Any = record.args[0] if isinstance(record.args, tuple) else None
    assert number in answer.text and record.exc_info is not None and SECRET in str(record.exc_info[1])
    assert answer.headers["Content-Type"].startswith("application/json" if "api" in path else "text/html")


def test_an_answer_that_breaks_off_does_not_look_whole(client: TestClient) -> None:
    app = client.app
    with running(app) as port:
        answer = get(port, "/fails-later")
    assert status(answer) == 200 and b"a beginning" in answer
    assert not answer.endswith(b"0\r\n\r\n")  # the last chunk of a whole one


def test_what_a_browser_has_is_not_sent_again(client: TestClient) -> None:
    first = client.get("/rounds")
    tag = first.headers["ETag"]
    again = client.get("/rounds", headers={"If-None-Match": tag})
    assert again.status_code == 304 and again.content == b"" and again.headers["ETag"] == tag
    assert again.headers["Content-Security-Policy"]
    for condition in (f"W/{tag}", f'"other", {tag}', "*"):
        assert client.get("/rounds", headers={"If-None-Match": condition}).status_code == 304
    assert client.get("/rounds", headers={"If-None-Match": '"other"'}).status_code == 200
    assert client.get("/", headers={"If-None-Match": tag}).status_code == 200
    assert client.head("/rounds").headers["ETag"] == tag
    assert "ETag" not in client.get("/long").headers and "ETag" not in client.get("/missing").headers


def test_web_sockets_are_refused(client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect("/"):
        pass
    assert refused.value.code == 1008
