"""The pages of trees, leaves, the model, disputes and rounds computed again, over HTTP, against what a test knows of a
round on a real chain; with hostile names in the spec."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from http.client import HTTPConnection
from typing import Any

import numpy as np
import pytest
from fedaggregator.disputes.price import Limits
from fedexplorer.disputes.disputes import Disputes
from fedexplorer.follow.follower import Follower
from fedexplorer.views import ALL
from fedexplorer.views.site import Site
from fedexplorer.web.app import make_app
from fedexplorer.web.live import Live
from fedprotocol import tree
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.numbers import UNIT
from support.browser import Tab
from support.convicted import CLIENTS, LEAVES, REJECTED, WRONG, ConvictedRound, K
from support.evm import Anvil
from support.explorer_server import running
from support.leaf_round import LeafTree
from support.specs import DOCUMENT

MARKUP = '<script>alert("x")</script>'
BAD = f"{MARKUP}\u202e\x1b[31m"  # names of tensors hold no such characters
TENSORS = [{"name": f"{MARKUP}.lora_A", "shape": [10, 9]}, {"name": "b" * 200, "shape": [3, 20]}]
ACCEPTED = [i for i in range(CLIENTS) if i not in REJECTED]
SECONDS = 20.0


class Explored:
    """A convicted round, and the application that shows it."""

    def __init__(self, made: ConvictedRound, stack: ExitStack, has_store: bool = True, copies: str = "pages") -> None:
        self.made = made
        coordinator, events = made.coordinator, EventIndex(made.coordinator)
        follower = Follower(lambda: coordinator, lambda _: events)
        follower.look()
        content = made.content(copies)
        disputes = Disputes(coordinator, events, content)
        stack.callback(content.close)
        stack.callback(disputes.close)

        def site() -> Site:
            return Site(follower.state(), **({"content": content, "disputes": disputes} if has_store else {}))

        self.content, live = content, Live(lambda: follower.version)
        self.port = stack.enter_context(running(make_app(ALL, site, live), live.close))
        self.url = f"http://127.0.0.1:{self.port}"

    def answer(self, path: str, method: str = "GET") -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            connection.request(method, path)
            given = connection.getresponse()
            return given.status, {name.lower(): value for name, value in given.getheaders()}, given.read()
        finally:
            connection.close()

    def json(self, path: str) -> Any:
        code, _, body = self.answer("/api" + path)
        assert code == 200, body
        return json.loads(body)

    def until(self, path: str, ready: Any) -> Any:
        """The JSON as soon as `ready` says so of it."""
        deadline = time.monotonic() + SECONDS
        while not ready(found := self.json(path)):
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
        return found

    def html(self, path: str) -> str:
        code, _, body = self.answer(path)
        assert code == 200, body
        return body.decode()

    def rows(self, path: str) -> list[dict[str, str]]:
        code, _, body = self.answer(path)
        assert code == 200, body
        return list(csv.DictReader(io.StringIO(body.decode())))

    @property
    def dispute(self) -> str:
        return f"/rounds/1/disputes/{hexa(self.made.lie.root)}"


def hexa(data: bytes) -> str:
    return "0x" + data.hex()


def tree_path(shown: LeafTree) -> str:
    return f"/trees/{hexa(shown.root)}"


@pytest.fixture(scope="module")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Explored]:
    with Anvil("--order", "fifo", "--accounts", "12") as chain, ExitStack() as stack:
        made = ConvictedRound(
            chain,
            tmp_path_factory.mktemp("pages"),
            limits=Limits(calldata=1_500),
            tensors=TENSORS,
            prompt={"template": f"{BAD} {{prompt}} ="},
            evaluation={"classes": [BAD, "yes"]},
            training={**DOCUMENT["training"], "rate_ratio_b": 2.0, "look_ahead": 0.25},
        )
        made.finish()
        yield Explored(made, stack)


def test_an_update_is_shown_as_it_was_revealed(explored: Explored) -> None:
    update = explored.made.game.updates[3]
    explored.until("/spec", lambda found: found["spec"])
    page = explored.until(tree_path(update.tree), lambda found: found["distribution"])
    assert (page["cid"], page["leaf_count"], page["bits"]) == (tree.cid(update.tree.root), LEAVES, 8)
    [name] = page["named"]
    assert (name["kind"], name["index"], name["shift"], name["weight"]) == ("update", 3, update.shift, update.weight)
    assert (name["account"], name["standing"]) == (explored.made.game.accounts[3], "accepted")
    refused = explored.json(tree_path(explored.made.game.updates[REJECTED[0]].tree))
    assert refused["named"][0]["standing"] == "refused"
    assert [leaf["digest"] for leaf in page["leaves"]] == [hexa(digest) for digest in update.tree.digests]
    reals = update.mantissas.astype(np.float64) * 2.0**update.shift * UNIT
    assert page["distribution"]["whole"]["norm"] == pytest.approx(float(np.linalg.norm(reals)))
    assert sum(page["distribution"]["counts"]) == len(reals)
    assert [row["digest"] for row in explored.rows(f"{tree_path(update.tree)}/leaves.csv")] == [
        leaf["digest"] for leaf in page["leaves"]
    ]
    assert len(explored.rows(f"{tree_path(update.tree)}/tensors.csv")) == 3
    by_cid = explored.json(f"/trees/{tree.cid(update.tree.root)}")
    assert by_cid["root"] == page["root"]
    opened = explored.json(f"{tree_path(update.tree)}?level=1&node=1")
    assert [node["digest"] for node in opened["children"]] == [hexa(d) for d in update.tree.digests[2:4]]
    assert opened["trail"][0]["digest"] == hexa(update.tree.root)


def test_a_round_changes_what_its_global_has_more(explored: Explored) -> None:
    page = explored.until(tree_path(explored.made.right), lambda found: found["distribution"])
    assert page["before"] == hexa(explored.made.game.prior_tree.root)
    change = np.array(explored.made.values, np.int64) - explored.made.game.prior
    assert page["distribution"]["whole"]["largest"] == int(change.max()) * UNIT
    assert page["named"][0]["standing"] == "final"


def test_a_leaf_leads_to_the_root(explored: Explored) -> None:
    for shown in (explored.made.game.updates[0].tree, explored.made.right, explored.made.game.prior_tree):
        for index in range(LEAVES):
            page = explored.until(f"{tree_path(shown)}/leaves/{index}", lambda found: found["leaf"])
            leaf, path = bytes.fromhex(page["leaf"][2:]), [bytes.fromhex(digest[2:]) for digest in page["path"]]
            assert leaf == shown.leaves[index]
            assert tree.root_from_path(LEAVES, index, tree.leaf_digest(leaf), path) == shown.root
            for step in page["steps"]:
                if step["block"] != "0x":
                    assert hexa(tree.leaf_digest(bytes.fromhex(step["block"][2:]))) == step["parent"]["digest"]
    update = explored.made.game.updates[0]
    page = explored.json(f"{tree_path(update.tree)}/leaves/4")
    assert [value["stored"] for value in page["values"][:22]] == update.mantissas[4 * K :].tolist()
    assert [value["is_padding"] for value in page["values"]] == [False] * 22 + [True] * 10
    rows = explored.rows(f"{tree_path(update.tree)}/leaves/4/values.csv?first=10")
    assert [int(row["units"]) for row in rows[:12]] == [
        int(m) << update.shift for m in update.mantissas[4 * K + 10 :].tolist()
    ]


def test_raw_leaves_for_programs(explored: Explored) -> None:
    shown = explored.made.game.updates[4].tree
    code, head, body = explored.answer(f"/api{tree_path(shown)}/leaves?first=1&count=3")
    assert (code, body) == (200, b"".join(shown.leaves[1:4]))
    assert head["content-type"] == "application/octet-stream"
    assert explored.answer(f"/api{tree_path(shown)}/leaves?first=4&count=64")[2] == shown.leaves[4]
    assert explored.answer(f"/api{tree_path(shown)}/leaves?first=5")[2] == b""
    code, head, body = explored.answer(f"/api{tree_path(explored.made.lie)}/leaves")
    assert (code, json.loads(body)["coming"]) == (503, False)
    assert int(head["retry-after"]) > 0
    for wrong in ("count=0", "count=5000", "first=-1", "first=x"):
        assert explored.answer(f"/api{tree_path(shown)}/leaves?{wrong}")[0] == 400


def test_only_what_the_chain_names_is_fetched(explored: Explored) -> None:
    for root in (hexa(bytes(32)), hexa(bytes([9]) * 32), tree.cid(bytes([9]) * 32)):
        for path in (f"/trees/{root}", f"/trees/{root}/leaves/0", f"/api/trees/{root}/leaves"):
            assert explored.answer(path)[0] == 404
    for odd in ("0x12", "..%2f..%2fetc", "b" * 59, tree.raw_cid(bytes(32)), "%00"):
        assert explored.answer(f"/trees/{odd}")[0] in (400, 404)
    shown = explored.made.game.updates[0].tree
    for beyond in (f"{tree_path(shown)}/leaves/{LEAVES}", f"{tree_path(shown)}?level=9", "/rounds/9/recompute"):
        assert explored.answer(beyond)[0] == 404
    assert not explored.content.trees._fetches.look(bytes([9]) * 32)  # type: ignore[arg-type]


def test_a_lie_that_nobody_serves_is_shown_by_its_fingerprints(explored: Explored) -> None:
    page = explored.until(tree_path(explored.made.lie), lambda found: found["fetch"]["standing"] == "failed")
    assert (page["is_served"], page["has_digests"]) == (False, True)
    assert [leaf["digest"] for leaf in page["leaves"]] == [hexa(digest) for digest in explored.made.lie.digests]
    assert "nobody whom this explorer can ask" in page["fetch"]["error"]
    leaf = explored.json(f"{tree_path(explored.made.lie)}/leaves/2")
    assert (leaf["leaf"], leaf["digest"]) == (None, hexa(explored.made.lie.digests[2]))


def test_a_dispute_is_replayed_in_numbers(explored: Explored) -> None:
    made, game = explored.made, explored.made.game
    page = explored.until(explored.dispute, lambda found: found["replay"])
    replay = page["replay"]
    assert (replay["leaf"], replay["leaf_is_known"]) == (WRONG // K, True)
    assert replay["right_digest"] == hexa(made.right.digests[WRONG // K])
    assert replay["claimed_digest"] == hexa(made.lie.digests[WRONG // K])
    assert replay["claimed"] is None
    assert page["bounty"] + page["burned"] == page["bond"]
    assert (page["proposer"], page["challenger"]) == (made.liar, made.challenger.address)
    assert [call["name"] for call in replay["calls"]] == ["carry"] * (made.calls - 1) + ["challenge"]
    found = explored.json(f"{explored.dispute}?value={WRONG % K}")["replay"]["shown"]
    assert [row["mantissa"] for row in found["inputs"]] == [int(game.updates[i].mantissas[WRONG]) for i in ACCEPTED]
    total = sum(row["weight"] * row["units"] for row in found["inputs"])
    assert found["inputs"][-1]["sums"] == [total]
    assert (found["prior"], found["right"]) == ([int(game.prior[WRONG])], made.values[WRONG])
    rows = explored.rows(f"{explored.dispute}/inputs.csv?value={WRONG % K}")
    assert [int(row["units"]) for row in rows] == [row["units"] for row in found["inputs"]]
    assert len(explored.rows(f"{explored.dispute}/calls.csv")) == made.calls
    assert explored.answer(f"{explored.dispute}?value={K}")[0] == 404
    assert explored.answer(f"/rounds/1/disputes/{hexa(made.right.root)}")[0] == 404
    [row] = explored.json("/disputes")["rows"]
    assert (row["root"], row["bond"]) == (page["root"], page["bond"])
    shown = explored.html(f"{explored.dispute}?value={WRONG % K}")
    assert f"{made.values[WRONG]:,}".replace(",", "\u202f") in shown


def test_the_page_follows_a_round_that_is_computed_again(explored: Explored, tab: Tab, plain_tab: Tab) -> None:
    """By itself with JavaScript; without, the reader loads it again."""
    with ExitStack() as stack:
        anew = Explored(explored.made, stack, copies="watched")
        for opened, says in ((tab, "The round is right"), (plain_tab, "Round 1 computed again")):
            opened.page.goto(f"{anew.url}/rounds/1/recompute")
            button = opened.page.get_by_role("button", name="Compute round 1 again")
            if opened is tab:
                button.click()
            opened.page.get_by_role("heading", name=says).wait_for()
        assert plain_tab.page.get_by_role("cell", name="equal").is_visible()
        tab.page.goto("about:blank")  # before the server ends


def test_a_reader_walks_from_a_dispute_to_the_chain(explored: Explored, tab: Tab) -> None:
    """From the list of disputes to a client's leaf, and up its ladder to the root that the client revealed."""
    page = tab.page
    page.goto(f"{explored.url}/disputes")
    page.get_by_role("link", name="step by step").click()
    page.get_by_label("Another value of this leaf").fill(str(WRONG % K))
    page.get_by_role("button", name="Show").click()
    page.get_by_text(f"number {WRONG % K} of the leaf").wait_for()
    page.get_by_role("row").filter(has=page.get_by_role("link", name="4", exact=True)).get_by_role(
        "link", name="4", exact=True
    ).click()
    page.get_by_role("heading", name=f"Leaf {WRONG // K} of {LEAVES}").wait_for()
    root = explored.made.game.updates[4].tree.root
    assert page.locator(".top-rung code").first.get_attribute("title") == hexa(root)
    hashed = page.locator(".ladder pre").all_text_contents()
    assert (len(hashed), tree.leaf_digest(bytes.fromhex(hashed[-1]))) == (3, root)


def test_a_visitor_has_a_round_computed_again(explored: Explored) -> None:
    before = explored.json("/rounds/1/recompute")
    assert (before["computing"], before["root"], before["updates"]) == (None, None, len(ACCEPTED))
    assert 'method="post"' in explored.html("/rounds/1/recompute")
    code, head, _ = explored.answer("/rounds/1/recompute", "POST")
    assert (code, head["location"]) == (303, "recompute")
    page = explored.until("/rounds/1/recompute", lambda found: found["root"])
    assert (page["root"], page["is_right"]) == (hexa(explored.made.right.root), True)
    lie, right = page["verdicts"]
    assert (lie["is_right"], lie["leaf"], right["is_right"]) == (False, WRONG // K, True)
    assert "The round is right" in explored.html("/rounds/1/recompute")
    assert explored.answer("/rounds/9/recompute", "POST")[0] == 404


def test_the_model_is_what_the_document_says(explored: Explored) -> None:
    page = explored.until("/spec", lambda found: found["spec"])
    assert page["text"].encode() == explored.made.spec
    assert [(row["start"], row["values"]) for row in page["tensors"]] == [(0, 90), (90, 60)]
    shown = explored.html("/spec")
    assert "learning rate 0.001 (factor B × 2), constant" in shown
    assert "a round begins 25 % of the last round's change ahead of the global" in shown


def test_hostile_names_are_only_text_and_nothing_of_this_machine_is_told(explored: Explored) -> None:
    made = explored.made
    explored.until("/spec", lambda found: found["spec"])
    pages = ["/spec", tree_path(made.right), tree_path(made.lie), f"{tree_path(made.right)}/leaves/0", "/disputes"]
    pages += [explored.dispute, f"{explored.dispute}?value={WRONG % K}", "/rounds/1/recompute"]
    seen = 0
    for path in pages:
        shown = explored.html(path)
        assert "<script>alert" not in shown
        assert not {"\u202e", "\x1b"} & set(shown)
        seen += "&lt;script&gt;" in shown
        for face in (shown, json.dumps(explored.json(path))):
            assert str(made.folder) not in face
            assert made.chain.url not in face
    assert seen >= 4


def test_without_a_store_the_pages_say_so(explored: Explored) -> None:
    with ExitStack() as stack:
        bare = Explored(explored.made, stack, has_store=False, copies="unused")
        for path in ("/spec", tree_path(explored.made.right), explored.dispute, "/rounds/1/recompute"):
            assert "--store" in bare.html(path)
        assert bare.json("/disputes")["count"] == 1
        assert bare.answer("/rounds/1/recompute", "POST")[0] == 503
        assert bare.answer(f"/api{tree_path(explored.made.right)}/leaves")[0] == 503
