"""The explorer on a masked federation: what it shows of updates that nobody can read, a right mean, a lie, garbage, an
impeachment, and the check in the browser; on a server, and in files."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from fedexplorer.follow.follower import _federation
from fednode.masking.keys import fresh_secret
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.masks.document import Masking
from fedprotocol.numbers import split_leaves
from playwright.sync_api import Page
from support import programs
from support.browser import Tab
from support.evm import Anvil
from support.explorer_process import Started, explorer
from support.fit_pages import check_fit
from support.masked_clients import BOUND, SCALE, MaskedFederation, MaskedRound
from support.masked_disputes import convicted_lie, impeached_round

K = 32
RIGHT, GARBAGE, IMPEACHED, LEFT, OPEN = range(1, 6)
"""Rounds. GARBAGE becomes final all the same; in LEFT the last client commits, and never reveals."""
WRONG = 2 * K + 7  # the value that a lie about RIGHT changes


class Seen:
    """An explorer of a masked federation, whose pages are also in `files`. `lie`: the root of the one about RIGHT."""

    def __init__(self, made: MaskedFederation, rounds: dict[int, MaskedRound], lie: bytes, started: Started) -> None:
        self.made, self.rounds, self.lie, self.started = made, rounds, "0x" + lie.hex(), started
        self.files: Path = made.folder / "files"

    def page(self, path: str) -> str:
        answer = requests.get(self.started.url.rstrip("/") + path, timeout=30)
        assert answer.status_code == 200, f"{path}: {answer.text[:2000]}"
        return " ".join(answer.text.split())

    def api(self, path: str, ready: str = "", awaited: str = "") -> Any:
        """A page's model, as soon as what `ready` names is there, and the work that `awaited` names is done."""
        deadline = time.monotonic() + 30
        while True:
            answer = requests.get(self.started.url.rstrip("/") + "/api" + path, timeout=30)
            assert answer.status_code == 200, f"{path}: {answer.text[:2000]}"
            found = answer.json()
            if (not ready or found[ready]) and (not awaited or found[awaited] is None):
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.2)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    folder = tmp_path_factory.mktemp("masked")
    with Anvil() as chain:
        made = MaskedFederation(chain, folder, clients=4)
        right = made.play(RIGHT)
        lie = convicted_lie(made, right, liar=1, wrong=WRONG)
        made.clients[0].propose(RIGHT, right.right())
        made.federation.pass_time(10_000)
        garbage = made.play(GARBAGE, split_leaves(right.right(), K), garbage_from=1)
        made.clients[0].propose(GARBAGE, garbage.right())
        made.federation.pass_time(10_000)
        prior = split_leaves(garbage.right(), K)
        void = made.play(IMPEACHED, prior, garbage_from=0)
        made.clients[0].propose(IMPEACHED, void.right())
        impeached_round(made, void, leaf=3)
        leave(made, MemoryLeaves(prior).root)
        options = [f"--store=dir:{path}" for path in made.stores]
        with explorer(made.coordinator.address, chain.url, folder, *options) as started:
            started.page(wanted="Pool", seconds=60)
            yield Seen(made, {RIGHT: right, GARBAGE: garbage, IMPEACHED: void}, lie, started)
        made.close()


def leave(made: MaskedFederation, prior_root: bytes) -> None:
    """All commit to LEFT, the last one never reveals, and its seat is gone once its account is settled."""
    last = made.clients[-1]
    for client in made.clients:
        made.commit(client, LEFT, prior_root, fresh_secret())
    for client in made.clients[:-1]:
        made.reveal(client, LEFT, os.urandom(32))
    made.federation.pass_time(10_000)
    made.clients[0].sender.send(made.coordinator.calls.settle(last.address), "settle")


def test_a_round_says_what_is_hidden_and_what_is_not(seen: Seen) -> None:
    page = seen.page(f"/rounds/{RIGHT}")
    assert "These updates are masked: each looks like random numbers" in page
    assert "Nobody sees what one of them learned, unless all the others work together." in page
    assert 'data-label="shift"' not in page and 'data-label="loss"' not in page
    assert 'loss before</span> <span class="soft">not told' in page and ">public key</span>" in page
    model = seen.api(f"/rounds/{RIGHT}")
    assert model["is_masked"] and [u["weight"] for u in model["updates"]] == seen.rounds[RIGHT].weights


def test_an_update_is_bytes_without_meaning(seen: Seen) -> None:
    leaves = seen.rounds[RIGHT].sent[0]
    tree = seen.api(f"/trees/0x{leaves.root.hex()}", ready="is_served")
    assert (tree["is_masked"], tree["bits"], tree["leaf_bytes"], tree["distribution"]) == (True, 32, 4 * K, None)
    assert "means something only in the sum of all updates" in seen.page(f"/trees/0x{leaves.root.hex()}")
    leaf = seen.api(f"/trees/0x{leaves.root.hex()}/leaves/2", ready="leaf")
    assert leaf["leaf"] == "0x" + leaves[2].hex()
    stored = [int.from_bytes(leaves[2][at : at + 4], "big", signed=True) for at in range(0, 4 * K, 4)]
    assert [(v["stored"], v["units"], v["real"]) for v in leaf["values"]] == [(own, None, None) for own in stored]
    page = seen.page(f"/trees/0x{leaves.root.hex()}/leaves/2")
    assert "The integer in the leaf is masked" in page and "real number" not in page


def test_what_they_learned_together_is_shown(seen: Seen) -> None:
    seen.api("/spec", ready="spec")
    root = MemoryLeaves(split_leaves(seen.rounds[RIGHT].right(), K)).root
    tree = seen.api(f"/trees/0x{root.hex()}", ready="distribution")
    assert not tree["is_masked"] and tree["distribution"]["whole"]["count"] == 150


def test_the_model_page_says_what_an_update_is(seen: Seen) -> None:
    seen.api("/spec", ready="spec")
    page = seen.page("/spec")
    assert "each site sees to that itself, and nobody else can check it under the masks" in page
    assert "is masked, with 32 bits a value: nobody sees more than the sum of all updates of a round" in page
    assert seen.api("/spec")["largest_change"] == (BOUND << SCALE) * 2.0**-24


def test_the_server_computes_the_mean_again_and_finds_garbage(seen: Seen) -> None:
    for number in (RIGHT, GARBAGE):
        begun = requests.post(f"{seen.started.url}rounds/{number}/recompute", timeout=30)
        assert begun.status_code == 200
    right = seen.api(f"/rounds/{RIGHT}/recompute", ready="root")
    assert right["root"] == "0x" + MemoryLeaves(split_leaves(seen.rounds[RIGHT].right(), K)).root.hex()
    page = seen.started.page(
        f"rounds/{GARBAGE}/recompute", wanted="Nothing follows from the updates of this round."
    ).text
    assert "At leaf 0 they add up to what no honest ones do" in page and "Nobody proved it in time" in page
    assert seen.api(f"/rounds/{GARBAGE}/recompute")["computing"] is None


@pytest.mark.parametrize(
    ("number", "verdict", "says"),
    [(RIGHT, "right", "All 5 leaves"), (GARBAGE, "unchecked", "The sum of all updates in leaf 0 is out of range")],
)
def test_the_visitor_checks_it_in_the_browser(seen: Seen, tab: Tab, number: int, verdict: str, says: str) -> None:
    tab.page.goto(f"{seen.started.url}rounds/{number}/check")
    tab.page.locator("form.check .start").click()
    result = tab.page.locator("form.check .result[data-verdict]")
    result.wait_for()
    assert result.get_attribute("data-verdict") == verdict, result.inner_text()
    assert says in result.inner_text(), result.inner_text()


def test_the_first_page_says_what_is_hidden_and_what_is_not(seen: Seen) -> None:
    page = seen.page("/")
    assert "the masks cancel only in the sum of all of a round" in page
    assert "who takes part and when, how many examples each has, votes, money" in page
    assert "The sites of a masked federation tell nobody their losses" in page and "No update was revealed" not in page


def test_a_lie_is_replayed(seen: Seen) -> None:
    address = f"/rounds/{RIGHT}/disputes/{seen.lie}"
    model = seen.api(address, ready="replay", awaited="lie")
    shown, played = model["replay"]["shown"], seen.rounds[RIGHT]
    right = int(played.right()[WRONG])
    assert (model["replay"]["leaf"], shown["at"], shown["right"], shown["claimed"]) == (2, 7, right, right + 1)
    masked = [int.from_bytes(own[2][28:32], signed=True) for own in played.sent]
    assert [(row["mantissa"], row["units"], row["real"]) for row in shown["inputs"]] == [
        (m, None, None) for m in masked
    ]
    assert shown["inputs"][-1]["sums"] == [sum(int(delta[WRONG]) for delta in played.deltas)]
    page = seen.page(address)
    assert "the masks cancel in the last sum" in page and "A step of the sum is 2<sup>4</sup> units" in page
    assert 'data-label="shift"' not in page and 'data-label="units"' not in page


def test_an_impeachment_is_replayed(seen: Seen) -> None:
    address = f"/rounds/{IMPEACHED}/impeachment"
    model = seen.api(address, ready="replay")
    replay, played = model["replay"], seen.rounds[IMPEACHED]
    assert (replay["leaf"], replay["leaf_is_known"], replay["bound"]) == (3, True, BOUND)
    assert replay["limit"] == BOUND * sum(played.weights) < abs(replay["inputs"][-1]["sum"])
    at = 4 * replay["at"]
    assert [row["masked"] for row in replay["inputs"]] == [
        int.from_bytes(own[3][at : at + 4], signed=True) for own in played.sent
    ]
    assert (model["proposals"], model["bonds"]) == (1, seen.api("/rounds/3")["proposals"][0]["bond"])
    page = seen.page(address)
    assert "It does not show who it was." in page and "Nobody is paid for this round and nobody pays" in page
    assert f"rounds/{IMPEACHED}/impeachment" in seen.page("/disputes")
    voided = seen.page(f"/rounds/{IMPEACHED}")
    assert "The updates add up to garbage." in voided and "what all of it adds up to" in voided
    other = requests.get(f"{seen.started.url}rounds/{GARBAGE}/impeachment", timeout=30)
    assert other.status_code == 404, "it became final"


SMALL = {
    "check-leaf": ("wrong", "The fingerprint of the right leaf"),
    "check-sums": ("garbage", "no sum of honest updates"),
}


@pytest.fixture(params=["server", "files"])
def root(seen: Seen, request: pytest.FixtureRequest) -> tuple[str, str]:
    """Where the pages are, and how they end."""
    if request.param == "server":
        return seen.started.url, ""
    return exported(seen).as_uri() + "/", ".html"


def exported(seen: Seen) -> Path:
    """The pages as files, as the command writes them."""
    if not seen.files.exists():
        stores = [f"dir:{path}" for path in seen.made.stores]
        options = [f"--coordinator={seen.made.coordinator.address}", f"--rpc={seen.made.federation.chain.url}"]
        options += [*(f"--store={store}" for store in stores), f"--home={seen.files.parent / 'once'}"]
        ended = programs.run(["fedexplorer", "export", str(seen.files), *options], seen.files.parent, {**os.environ})
        assert ended.returncode == 0, ended.stderr
    return seen.files


@pytest.mark.parametrize("name", SMALL)
def test_the_visitor_checks_one_leaf(seen: Seen, root: tuple[str, str], tab: Tab, name: str) -> None:
    """Of the lie, and of the impeachment. A changed bit of any leaf is seen."""
    path = f"rounds/{RIGHT}/disputes/{seen.lie}" if name == "check-leaf" else f"rounds/{IMPEACHED}/impeachment"
    tab.page.goto(root[0] + path + root[1])
    verdict, says = SMALL[name]
    assert checked(tab.page, name, verdict).count(says) == 1
    tab.page.evaluate(SPOIL)
    checked(tab.page, name, "foreign")


def checked(page: Page, name: str, verdict: str) -> str:
    page.locator(f".{name} button").click()
    result = page.locator(f".{name} .result[data-verdict={verdict}]")
    result.wait_for()
    return result.inner_text()


SPOIL = """() => {
    const { dataset } = document.querySelector("[data-proof]"), proof = JSON.parse(dataset.proof);
    const leaf = proof.leaves[1].leaf, bit = (parseInt(leaf.at(-1), 16) ^ 1).toString(16);
    proof.leaves[1].leaf = leaf.slice(0, -1) + bit;
    dataset.proof = JSON.stringify(proof);
}"""


def test_the_files_hold_all_of_it(seen: Seen) -> None:
    """What the server says, and for every round but the one without accepted updates the leaves for a check."""
    files = exported(seen)
    for address in (f"rounds/{RIGHT}/disputes/{seen.lie}", f"rounds/{IMPEACHED}/impeachment", "disputes"):
        file = json.loads((files / f"api/{address}.json").read_text())
        assert file == seen.api("/" + address)
    for number in (RIGHT, GARBAGE, IMPEACHED):
        assert "are not in this copy" not in (files / f"rounds/{number}/check.html").read_text()


def test_the_visitor_checks_files(seen: Seen, tab: Tab) -> None:
    files = exported(seen)
    for number, verdict in ((RIGHT, "right"), (IMPEACHED, "unchecked")):
        tab.page.goto((files / f"rounds/{number}/check.html").as_uri())
        tab.page.locator("form.check .start").click()
        tab.page.locator(f"form.check .result[data-verdict={verdict}]").wait_for()


def test_a_seat_that_a_penalty_cost_is_not_put_out_by_whoever_settled(seen: Seen) -> None:
    last = seen.made.clients[-1].address
    [stay] = seen.api(f"/participants/{last}")["stays"]
    assert (stay["lost_in"], stay["left_by"]) == (LEFT, None)
    page = seen.page(f"/participants/{last}")
    assert "lost with the penalty of" in page and "put out by" not in page


def test_each_phase_is_told_as_it_is_under_masks(seen: Seen) -> None:
    """In the last round, that is played on while one looks."""
    made, path = seen.made, f"/rounds/{OPEN}"
    clients, prior = made.clients[:-1], made.coordinator.round_view(LEFT).prior_root
    secrets = [fresh_secret() for _ in clients]
    made.commit(clients[0], OPEN, prior, secrets[0])
    seen.started.page(path[1:], wanted="with a fresh key for its masks: 1 of 3 have")
    for client, secret in zip(clients[1:], secrets[1:], strict=True):
        made.commit(client, OPEN, prior, secret)
    seen.started.page(path[1:], wanted="No update leaves its site yet.")
    for client in clients:
        made.reveal(client, OPEN, os.urandom(32))
    seen.started.page(path[1:], wanted="Each site publishes its masked update")
    assert "These updates have not left their sites yet" not in seen.page(path)
    left = seen.page(f"/rounds/{LEFT}")
    assert "a site committed and did not reveal, so no site published its update" in left
    assert "These updates never left their sites" in left and "what they learned together" not in left
    assert "Nobody pays for that" not in left and "weight that vouches" not in left


@pytest.mark.parametrize("path", [f"rounds/{IMPEACHED}/impeachment", "disputes"])
def test_a_page_is_fit_for_everybody(seen: Seen, tab: Tab, plain_tab: Tab, path: str) -> None:
    """What no public federation has."""
    counts = []
    for opened in (tab, plain_tab):
        opened.page.goto(seen.started.url + path)
        counts.append(
            [opened.page.locator(f"main :is({tag}):not(.uplot *)").count() for tag in ("h1", "h2", "td", "p")]
        )
    assert counts[0] == counts[1] and counts[1][0] == 1, "it reads whole without JavaScript"
    check_fit(tab.page)


def test_masks_that_no_federation_has_are_those_of_an_unknown_rule(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    """A foreign contract may say anything."""
    coordinator = seen.made.coordinator
    assert _federation(coordinator).masking == Masking(scale=SCALE, bound=BOUND)
    monkeypatch.setitem(coordinator.__dict__, "rule_parameters", (99, BOUND))
    found = _federation(coordinator)
    assert (found.rule, found.masking) == ("unknown", None)


def test_everything_else_can_be_opened(seen: Seen) -> None:
    for path in ("/", "/rounds", "/participants", "/money", "/disputes", "/events", f"/rounds/{GARBAGE}"):
        seen.page(path)
