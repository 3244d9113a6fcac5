"""Checking a round in Chromium, on a server and in files, right and tampered with; and what else is in the files. The
federation's rule keeps a velocity beside the weights, so its globals have two parts."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pytest
import requests
from fedaggregator.rules import RULES
from fedexplorer.explorer import Explorer
from fedexplorer.export.export import Exported, ExportError, Limits, export
from fedexplorer.given.read import Given, settings_of
from fedexplorer.views import ALL
from fedexplorer.views.site import Site
from playwright.sync_api import Page, Request, Route
from support import programs
from support.browser import Tab
from support.evm import Anvil
from support.example_federation import ANVIL_OPTIONS, LIE, ExampleFederation
from support.explorer_process import explorer

PLENTY = Limits(10_000, 64 << 20)
FORM, RESULT = "form.check", "form.check .result[data-verdict]"
FINAL, WRONG = 0, 1  # in the list of globals


@dataclass
class Shown:
    """The example on a server at `url`, as `site`, and exported to `files` by the command; `rpc`: of its chain."""

    federation: ExampleFederation
    rpc: str
    url: str
    site: Site
    files: Path

    @property
    def places(self) -> dict[str, str]:
        """Where the check of the round with the lie is."""
        page = f"rounds/{LIE}/check"
        return {"server": self.url + page, "files": (self.files / f"{page}.html").as_uri()}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    folder = tmp_path_factory.mktemp("example")
    with Anvil(*ANVIL_OPTIONS) as chain:
        federation = ExampleFederation(chain, folder / "store", RULES["fedavgm"])
        store = f"dir:{folder / 'store'}"
        given = {"coordinator": federation.address, "rpc": chain.url, "store": store, "home": str(folder / "once")}
        options = [f"--{name}={value}" for name, value in given.items()]
        ended = programs.run(["fedexplorer", "export", "files", *options], folder, {**os.environ})
        assert ended.returncode == 0, ended.stderr
        assert re.fullmatch(r"\d+ pages are in files: open files/index.html\n", ended.stdout)
        settings = settings_of(
            Given(coordinator=federation.address, rpc=[chain.url], stores=[store], home=folder / "once")
        )
        with (
            explorer(federation.address, chain.url, folder, f"--store={store}") as started,
            Explorer(settings).read_once() as site,
        ):
            started.page(wanted="Pool", seconds=60)
            yield Shown(federation, chain.url, started.url, site, folder / "files")


@pytest.fixture(params=["server", "files"])
def place(shown: Shown, request: pytest.FixtureRequest) -> str:
    return shown.places[request.param]


def verdict(page: Page, which: int = FINAL) -> tuple[str, str]:
    """The check's verdict on one of the globals, and all that it says."""
    page.locator(f"{FORM} input[type=radio]").nth(which).check()
    page.locator(f"{FORM} .start").click()
    result = page.locator(RESULT)
    result.wait_for()
    return str(result.get_attribute("data-verdict")), result.inner_text()


def test_the_global_is_right(place: str, tab: Tab) -> None:
    tab.page.goto(place)
    found, said = verdict(tab.page)
    assert found == "right", said
    expected = (
        "The list of 3 updates",
        "All 4 leaves",
        "all 2 of each",
        "All 128 values",
        "The leaves of the global that are kept",
    )
    assert [words for words in expected if words not in said] == []


def test_a_lie_is_wrong(shown: Shown, place: str, tab: Tab) -> None:
    """At the first value of the velocity, where it is one unit too large."""
    tab.page.goto(place)
    found, said = verdict(tab.page, WRONG)
    assert found == "wrong", said
    numbers = re.search(r"number 0 of leaf 2, where the rule .*: the global has (-?\d+), right is (-?\d+)", said)
    assert numbers, said
    assert int(numbers[1]) == int(numbers[2]) + 1
    values = shown.federation.federation.globals
    manifest = requests.get(f"{shown.url}api/rounds/{LIE}/check", timeout=10).json()
    right, wrong = (bytes.fromhex(claim["root"][2:]) for claim in manifest["claims"])
    assert [values[root][1, 0] for root in (wrong, right)] == [int(number) for number in numbers.groups()]
    assert re.search(rf"velocity = R\(-?\d+ \* 19661, 2\^16\) \+ .* = {numbers[2]}", said)
    assert right.hex() in said


NAMES = ("the global before the round", "update 1", "the global's root follows")


def root_of(shown: Shown, name: str) -> str:
    page = json.loads((shown.files / f"api/rounds/{LIE}/check.json").read_text())
    manifest, claims = page["manifest"], page["claims"]
    roots = (manifest["prior_root"], manifest["updates"][1]["root"], claims[FINAL]["root"])
    return str(roots[NAMES.index(name)]).removeprefix("0x")


@pytest.mark.parametrize("on", ["server", "files"])
def test_the_leaf_of_a_conviction(shown: Shown, tab: Tab, on: str) -> None:
    """Its right digest is the one that the replay on the page has found; a changed bit of any leaf is seen."""
    root = "0x" + shown.federation.history.rounds[LIE - 1].lies[0].hex()
    address = f"rounds/{LIE}/disputes/{root}"
    tab.page.goto({"server": shown.url + address, "files": (shown.files / f"{address}.html").as_uri()}[on])
    button, result = tab.page.locator(".check-leaf button"), tab.page.locator(".check-leaf .result[data-verdict]")
    button.click()
    result.wait_for()
    assert result.get_attribute("data-verdict") == "wrong", result.inner_text()
    right = json.loads((shown.files / f"api/{address}.json").read_text())["replay"]["right_digest"]
    assert right in result.inner_text()
    tab.page.evaluate(
        """() => {
            const data = document.getElementById("proof").dataset, proof = JSON.parse(data.proof);
            proof.leaves[1].leaf = "0x00" + proof.leaves[1].leaf.slice(4);
            data.proof = JSON.stringify(proof);
        }"""
    )
    button.click()
    tab.page.locator(".check-leaf .result[data-verdict=foreign]").wait_for()


def test_what_the_rule_keeps_has_pages(shown: Shown, tab: Tab) -> None:
    """The lie is in the velocity: the round computed again finds it there, and its leaf and the dispute say so."""
    lie = "0x" + shown.federation.history.rounds[LIE - 1].lies[0].hex()
    tab.page.goto(f"{shown.url}rounds/{LIE}/recompute")
    tab.page.get_by_role("button", name=f"Compute round {LIE} again").click()
    tab.page.get_by_role("link", name="leaf 2", exact=True).click()
    tab.page.get_by_text("This leaf holds no weights").wait_for()
    tab.page.get_by_role("link", name="leaf 0", exact=True).click()
    tab.page.get_by_role("heading", name="Leaf 0 of 4").wait_for()
    assert not tab.page.get_by_text("This leaf holds no weights").count()
    tab.page.goto(f"{shown.url}rounds/{LIE}/disputes/{lie}")
    tab.page.get_by_text("what is wrong here is what it keeps, not the weight").wait_for()
    tab.page.get_by_text("which is leaf 0 of part 1").wait_for()
    tab.page.goto(shown.url)
    tab.page.get_by_text(f"fedavgm: {RULES['fedavgm'].summary}").wait_for()
    right = json.loads((shown.files / f"api/rounds/{LIE}/check.json").read_text())["claims"][FINAL]["root"]
    assert len(list((shown.files / f"trees/{right}/leaves").glob("*.html"))) == 4


@pytest.mark.parametrize("name", NAMES)
def test_a_bit_is_changed_on_the_way(shown: Shown, tab: Tab, name: str) -> None:
    root = root_of(shown, name)

    def changed(route: Route, request: Request) -> None:
        answer = route.fetch()
        body = answer.body()
        route.fulfill(response=answer, body=bytes([body[0] ^ 1]) + body[1:] if root in request.url else body)

    tab.page.route("**/leaves?*", changed)
    tab.page.goto(shown.places["server"])
    found, said = verdict(tab.page)
    assert found == "foreign"
    assert name in said.lower()


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_changed(shown: Shown, tab: Tab, tmp_path: Path, name: str) -> None:
    files = shutil.copytree(shown.files, tmp_path / "files")
    script = files / "leaves" / root_of(shown, name) / "0.js"
    text = script.read_text()
    at = text.index('", "') + 4
    script.write_text(text[:at] + ("B" if text[at] == "A" else "A") + text[at + 1 :])
    tab.page.goto((files / f"rounds/{LIE}/check.html").as_uri())
    found, said = verdict(tab.page)
    assert found == "foreign"
    assert name in said.lower()


def test_less_than_all_comes(shown: Shown, tab: Tab) -> None:
    tab.page.route("**/leaves?*", lambda route: route.fulfill(body=b"123"))
    tab.page.goto(shown.places["server"])
    found, said = verdict(tab.page)
    assert found == "unchecked"
    # the two parts of the global are asked for at the same time
    assert re.search(r"not all of leaves (0 to 1|2 to 3) of the global before the round are there", said.lower())


def test_a_file_is_missing(shown: Shown, tab: Tab, tmp_path: Path) -> None:
    files = shutil.copytree(shown.files, tmp_path / "files")
    root = json.loads((files / f"api/rounds/{LIE}/check.json").read_text())["manifest"]["updates"][2]["root"]
    shutil.rmtree(files / "leaves" / root[2:])
    tab.expected.append("ERR_FILE_NOT_FOUND")
    tab.page.goto((files / f"rounds/{LIE}/check.html").as_uri())
    found, said = verdict(tab.page)
    assert found == "unchecked"
    assert "is not in this copy of the pages" in said


def test_a_reader_stops_it(shown: Shown, tab: Tab) -> None:
    tab.page.route("**/leaves?*", lambda _: None)  # never answered
    tab.page.goto(shown.places["server"])
    tab.page.locator(f"{FORM} .start").click()
    tab.page.locator(f"{FORM} .stop").click()
    result = tab.page.locator(RESULT)
    result.wait_for()
    assert "stopped" in result.inner_text()
    assert tab.page.locator(f"{FORM} .start").is_enabled()


def test_what_to_ask_another_node(shown: Shown) -> None:
    """A chain node gives the answers that the page says."""
    questions = requests.get(f"{shown.url}api/rounds/{LIE}/check", timeout=10).json()["questions"]
    assert len(questions) == 3
    inputs, *globals_ = [
        requests.post(shown.rpc, question["request"], headers={"Content-Type": "application/json"}, timeout=10).json()
        for question in questions
    ]
    assert inputs["result"] == questions[0]["answer"]
    for answer, question in zip(globals_, questions[1:], strict=True):
        [entry] = answer["result"]
        assert question["answer"] in entry["data"] + "".join(entry["topics"])


# ------------------------------------------------------------------------------ the files


def test_every_link_leads_to_a_file(shown: Shown) -> None:
    pages = list(shown.files.rglob("*.html"))
    assert len(pages) > 100
    left_out = sum(dead_links(page) for page in pages)
    assert left_out < len(pages) / 10


def dead_links(page: Path) -> int:
    """How many links were taken away. Raises AssertionError for one that leads nowhere, and for what needs a server."""
    text = page.read_text()
    for target in re.findall(r'\b(?:href|src)="([^"]*)"', text):
        path = unquote(unescape(target).partition("#")[0])
        assert "?" not in path and (not path or (page.parent / path).is_file()), f"{page}: {target}"
    assert not re.search(r"\bhx-|\bsse-|<form[^>]* action=", text), page
    return text.count('class="left-out"')


def test_the_files_say_what_the_server_says(shown: Shown) -> None:
    for address in (f"rounds/{LIE}/check", f"rounds/{LIE}", "participants", "disputes", "spec"):
        file = json.loads((shown.files / f"api/{address}.json").read_text())
        file.pop("time", None)  # anvil's, which goes on without blocks
        deadline = time.monotonic() + 20
        while (served := requests.get(f"{shown.url}api/{address}", timeout=10).json()) | file != served:
            assert time.monotonic() < deadline, served  # the server fetches while one looks
            time.sleep(0.2)
    for address in ("events.csv", f"rounds/{LIE}/check/updates.csv"):
        assert (shown.files / address).read_bytes() == requests.get(shown.url + address, timeout=10).content


def test_from_page_to_page(shown: Shown, tab: Tab) -> None:
    tab.page.goto((shown.files / "index.html").as_uri())
    tab.page.get_by_role("navigation", name="Pages of the federation").get_by_text("Rounds").click()
    tab.page.get_by_role("link", name=str(LIE), exact=True).first.click()
    tab.page.get_by_role("link", name="Check this round yourself").click()
    assert verdict(tab.page)[0] == "right"


def write(site: Site, folder: Path, limits: Limits = PLENTY) -> tuple[Exported, list[tuple[int, int]]]:
    told: list[tuple[int, int]] = []
    return export(site, ALL, folder, limits, lambda done, of: told.append((done, of))), told


def test_limits(shown: Shown, tab: Tab, tmp_path: Path) -> None:
    found, told = write(shown.site, tmp_path / "few", Limits(40, 0))
    assert found.pages == 40 == told[-1][0] == told[-1][1]
    assert found.left_out > 50
    assert set(found.unchecked) == {1, 2, 3}
    assert not found.failed
    assert len(list((tmp_path / "few").rglob("*.html"))) == 40
    assert sum(map(dead_links, (tmp_path / "few").rglob("*.html"))) > 50
    tab.page.goto((tmp_path / f"few/rounds/{LIE}/check.html").as_uri())
    assert "would have more than 0 bytes of leaves" in tab.page.inner_text("main")
    assert tab.page.locator(FORM).count() == 0


def test_it_writes_whole_and_into_nothing_else(shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note").touch()
    for taken in ("mine", "mine/note"):
        with pytest.raises(ExportError, match="name a new one"):
            write(shown.site, tmp_path / taken)
    monkeypatch.setattr("fedexplorer.export.export.without_dangling", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write(shown.site, tmp_path / "half", Limits(5, 0))
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "note"]
