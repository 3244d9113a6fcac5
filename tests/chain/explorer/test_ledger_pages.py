"""Pages of events, transactions, blocks and addresses, the search and the API, as a real server answers them."""

from __future__ import annotations

import csv
import io
import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from eth_utils.crypto import keccak
from fedprotocol.chain.read.events import Event, chunks
from fedprotocol.tree import cid, raw_cid
from support.evm import Anvil
from support.ledger_server import CLINIC, HOSTILE, Server, served
from support.ledger_world import World
from support.proxy import same
from support.sending import until


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with Anvil("--order", "fifo") as chain:
        yield World(chain)


@pytest.fixture(scope="module")
def shown(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(world, tmp_path_factory.mktemp("home")) as server:
        yield server


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def csv_rows(shown: Server, path: str, **filters: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(shown.get(f"{path}.csv", **filters).text)))


def place(event: Event) -> tuple[int, int, str]:
    return event.block, event.log_index, event.name


# ------------------------------------------------------------------------ events


def test_the_events_are_those_of_a_scan(shown: Server) -> None:
    page = shown.json("/events", shown=500)
    scanned = shown.world.events[::-1]
    assert [(row["block"], row["log_index"], row["name"]) for row in page["rows"]] == list(map(place, scanned))
    assert page["count"] == len(scanned) > 15
    assert [row["tx"] for row in page["rows"]] == ["0x" + event.tx_hash.hex() for event in scanned]


def test_topics_and_data_stand_beside_as_on_the_chain(shown: Server) -> None:
    coordinator = shown.world.coordinator
    logs = [log for _, found in chunks(coordinator, 0, coordinator.head()) for log in found]
    rows = shown.json("/events", shown=500)["rows"][::-1]
    assert len(rows) == len(logs)
    for row, log in zip(rows, logs, strict=True):
        assert row["topics"] == ["0x" + bytes(topic).hex() for topic in log["topics"]]
        assert (row["data"], row["data_size"]) == ("0x" + bytes(log["data"]).hex(), len(log["data"]))
    assert rows[0]["topics"][0] in shown.html("/events")


@pytest.mark.parametrize(
    "filters",
    [
        {"name": "Revealed"},
        {"round": 1},
        {"account": CLINIC.upper()},
        {"name": "Attested", "account": "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC", "round": ""},
        {"from_block": 9, "to_block": 11},
        {"name": "", "account": "", "since": "", "until": "", "from_block": "", "to_block": ""},
    ],
    ids=str,
)
def test_the_table_and_its_csv_honour_the_filter(shown: Server, filters: dict[str, Any]) -> None:
    account = {CLINIC.upper(): shown.world.game.accounts[0]}.get(filters.get("account"), filters.get("account"))
    expected = [
        event
        for event in shown.world.events[::-1]
        if (not filters.get("name") or event.name == filters["name"])
        and (not filters.get("round") or event.args.get("round") == filters["round"])
        and (not account or account in event.args.values())
        and event.block >= (filters.get("from_block") or 0)
        and event.block <= (filters.get("to_block") or 10**9)
    ]
    rows = shown.json("/events", **filters)["rows"]
    assert [(row["block"], row["log_index"], row["name"]) for row in rows] == list(map(place, expected)) != []
    table = csv_rows(shown, "/events", **filters)
    assert [(int(r["block"]), int(r["log_index"]), r["event"]) for r in table] == list(map(place, expected))
    assert [r["transaction"] for r in table] == [row["tx"] for row in rows]
    assert shown.html("/events", **filters).count('<tr data-at="') == len(expected)


def test_the_csv_of_one_kind_has_a_column_for_each_argument(shown: Server) -> None:
    [row, *_] = csv_rows(shown, "/events", name="Revealed")
    event = next(e for e in reversed(shown.world.events) if e.name == "Revealed")
    assert row["root"] == "0x" + event.args["root"].hex() and row["weight"] == str(event.args["weight"])
    assert (row["client"], row["loss_before"]) == (event.args["client"], "2")


def test_times_in_a_filter(shown: Server) -> None:
    newest = shown.world.events[-1].time
    assert shown.json("/events", since=newest + 1)["count"] == 0
    assert shown.json("/events", until=newest)["count"] == len(shown.world.events)
    written = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(newest))
    assert shown.json("/events", since=written)["since"] == newest
    assert f'value="{written}"' in shown.html("/events", since=written)


@pytest.mark.parametrize(
    ("filters", "says"),
    [
        ({"account": "0x12"}, "must be an Ethereum address"),
        ({"account": HOSTILE + "!"}, "must be an Ethereum address"),
        ({"name": HOSTILE}, "no event of this name"),
        ({"round": 999}, "Round 999 was not opened"),
        ({"since": "2030-01-01"}, "No event passes"),
    ],
)
def test_a_filter_that_finds_nothing_says_why(shown: Server, filters: dict[str, Any], says: str) -> None:
    page = shown.html("/events", **filters)
    assert says in page and "<script>alert" not in page


@pytest.mark.parametrize("query", ["round=abc", "since=yesterday", "first=-1", "shown=10000", "from_block=1e99"])
def test_nonsense_in_a_filter_is_refused(shown: Server, query: str) -> None:
    assert shown.get("/events?" + query).status_code == 400
    assert shown.get("/events.csv?" + query).status_code == 400


# ------------------------------------------------------------------ transactions


def test_a_conviction(shown: Server) -> None:
    receipt = shown.world.challenge
    path = "/tx/0x" + bytes(receipt["transactionHash"]).hex()
    page = shown.whole(path)
    assert (page["contract"], page["call"], page["way"], page["round"]) == ("disputes contract", "challenge", "call", 1)
    assert (page["gas_used"], page["cost"]) == (receipt["gasUsed"], receipt["gasUsed"] * receipt["effectiveGasPrice"])
    assert (page["succeeded"], page["block"], page["position"]) == (True, receipt["blockNumber"], 0)
    assert [row["name"] for row in page["events"]] == ["Convicted"] == [row["event"] for row in csv_rows(shown, path)]
    values = {value["name"]: value for value in page["values"]}
    assert values["proof.proposal_root"]["value"] == "0x" + shown.world.proof["proposalRoot"].hex()
    html = text_of(shown.html(path))
    for word in ("challenge", "proof.updates[2].leaf", "to disputes contract", "succeeded"):
        assert word in html


def test_a_failed_call_says_why(shown: Server) -> None:
    path = "/tx/" + shown.world.failed.hex()
    page = shown.whole(path)
    assert (page["succeeded"], page["call"], page["events"]) == (False, "commit", [])
    assert "too early or too late" in page["revert"] and page["revert_is_exact"]
    assert page["time"] == shown.world.chain.web3.eth.get_block(page["block"])["timestamp"]
    assert "A transaction that failed leaves no events" in shown.html(path)


def test_a_call_through_another_contract(shown: Server) -> None:
    path = "/tx/0x" + bytes(shown.world.through["transactionHash"]).hex()
    page = shown.whole(path)
    assert (page["way"], page["call"], [row["name"] for row in page["events"]]) == ("other", None, ["Funded"])
    assert [(row["contract"], row["name"]) for row in page["others"]] == [("token", "Approval"), ("token", "Transfer")]
    assert "that contract called the federation" in shown.html(path)


@pytest.mark.parametrize("path", ["/tx/0x" + 32 * "ab", "/tx/0x12", "/tx/" + 64 * "g", "/tx/%3Cscript%3Ealert(1)"])
def test_what_is_no_transaction(shown: Server, path: str) -> None:
    until(lambda: shown.get(path).status_code == 404, 20)
    assert "<script>alert" not in shown.get(path).text


# ------------------------------------------------------------- blocks, addresses


def test_a_block(shown: Server) -> None:
    number = next(e.block for e in shown.world.events if e.name == "Revealed")
    told = shown.world.chain.web3.eth.get_block(number)
    page = shown.whole(f"/block/{number}")
    assert (page["hash"], page["time"]) == ("0x" + bytes(told["hash"]).hex(), told["timestamp"])
    assert [row["hash"] for row in page["own"]] == ["0x" + bytes(tx).hex() for tx in told["transactions"]]
    assert {(row["contract"], row["call"], row["events"]) for row in page["own"]} == {("coordinator", "reveal", 1)}
    assert page["event_count"] == 3 and page["before"] < number < page["after"]
    assert [row["event"] for row in csv_rows(shown, f"/block/{number}")] == 3 * ["Revealed"]
    assert text_of(shown.html(f"/block/{number}")).count("reveal") == 3


def test_a_block_without_events_has_the_transactions_that_failed(shown: Server) -> None:
    number = shown.whole("/tx/" + shown.world.failed.hex())["block"]
    page = shown.whole(f"/block/{number}")
    assert [(row["call"], row["events"]) for row in page["own"]] == [("commit", 0)] and page["events"] == []


def test_a_block_that_is_not_there_yet(shown: Server) -> None:
    assert "the newest is" in shown.get("/block/999999").text
    assert [shown.get(f"/block/{n}").status_code for n in ("999999", "-1", "x", "0")] == [404, 400, 400, 200]


def test_addresses(shown: Server) -> None:
    world, config = shown.world, shown.world.game.config
    clinic = shown.json(f"/address/{world.game.accounts[0].lower()}")
    named = [e for e in world.events if world.game.accounts[0] in e.args.values()]
    assert (clinic["name"], clinic["is_participant"], clinic["count"]) == (CLINIC, True, len(named))
    assert [(row["block"], row["log_index"]) for row in clinic["rows"]] == [place(e)[:2] for e in named[::-1]]
    assert [role["says"][:13] for role in clinic["roles"]] == ["a participant", "an aggregator"]
    for address, word in (
        (config.token, "the token in which"),
        (config.disputes, "decides disputes"),
        (config.sponsor, "the sponsor"),
        (world.coordinator.address, "the coordinator"),
        ("0x" + 40 * "0", "the zero address"),
        ("0x" + 40 * "7", "do not name it"),
        (world.puppet.address, "a funder"),
    ):
        assert word in shown.html(f"/address/{address}"), address
    assert shown.json(f"/address/{world.coordinator.address}")["count"] == len(world.events)
    wrong = world.game.accounts[0][:-1] + ("9" if world.game.accounts[0][-1] != "9" else "8")
    assert shown.get(f"/address/{wrong}").status_code == 404


# --------------------------------------------------------------- search and API


def test_the_search_box_leads_there(shown: Server) -> None:
    world = shown.world
    wrong, digest = world.proof["proposalRoot"], world.game.config.spec_digest
    for text, place_ in (
        ("block 9", "block/9"),
        (world.game.accounts[0], f"address/{world.game.accounts[0]}"),
        ("st. anna", f"address/{world.game.accounts[0]}"),
        ("0x" + world.failed.hex(), None),
        ("0x" + world.events[0].tx_hash.hex(), f"tx/0x{world.events[0].tx_hash.hex()}"),
        ("0x" + world.events[0].block_hash.hex(), f"block/{world.events[0].block}"),
        ("Convicted", "events?name=Convicted"),
    ):
        answer = shown.get("/search", q=text)
        assert (answer.status_code, answer.headers.get("Location", "").removeprefix("./")) == (
            (303, place_) if place_ else (200, "")
        ), text
    assert "a proposal in round 1" in shown.json("/search", q=cid(wrong))["hits"][0]["says"]
    assert shown.json("/search", q=raw_cid(digest))["hits"][0]["page"] == "spec"
    assert shown.json("/search", q=cid(world.game.config.genesis_root))["hits"][0]["says"].startswith("the genesis")
    [update] = shown.json("/search", q="0x" + world.game.updates[0].tree.root.hex())["hits"]
    assert update["says"] == f"the update of {CLINIC} in round 1"
    for text in (HOSTILE + "x", "\x00\x1b[31m", "9" * 400):
        page = shown.html("/search", q=text)
        assert "<script>alert" not in page and "\x1b" not in page


def test_the_api_page_has_all_of_the_document(shown: Server) -> None:
    document, html = shown.get("/api/openapi.json").json(), shown.html("/api")
    assert len(document["paths"]) > 6
    for path, methods in document["paths"].items():
        for method, asked in methods.items():
            assert f"{method.upper()} {path}" in text_of(html)
            for parameter in asked.get("parameters", ()):
                assert f"<code>{parameter['name']}</code>" in html
    schemas = [name for name in document["components"]["schemas"] if "ValidationError" not in name]
    anchors = set(re.findall(r'id="([^"]+)"', html))
    assert set(schemas) <= anchors
    assert set(re.findall(r'href="#([^"]+)"', html)) <= anchors
    assert not re.findall(r"(?:src|href|action)=\"(?:https?:)?//", html)
    tried = re.findall(r'href="([^"]+)">Try it', html)
    assert tried and all(shown.get("/" + link.removeprefix("./")).status_code == 200 for link in tried)


def test_what_was_read_is_shown_while_the_chain_is_away(shown: Server) -> None:
    number = next(e.block for e in shown.world.events if e.name == "Revealed")
    tx = "/tx/0x" + bytes(shown.world.challenge["transactionHash"]).hex()
    never_read = next(e for e in shown.world.events if e.name == "Joined")
    shown.whole(tx), shown.whole(f"/block/{number}")
    shown.proxy.closed = {
        "eth_getTransactionByHash",
        "eth_getTransactionReceipt",
        "eth_getBlockByHash",
        "eth_blockNumber",
    }
    try:
        assert shown.json(tx)["gas_used"] == shown.world.challenge["gasUsed"]
        assert shown.json(f"/block/{number}")["is_read"]
        page = shown.json("/tx/0x" + never_read.tx_hash.hex())
        assert not page["is_read"] and [row["name"] for row in page["events"]] == ["Joined"]
        until(lambda: shown.json("/tx/0x" + never_read.tx_hash.hex())["trouble"], 20)
        html = shown.html("/tx/0x" + never_read.tx_hash.hex())
        assert (
            "being read from the chain" in html
            and "this explorer reads does not answer" in html
            and "127.0.0.1" not in html
        )
        assert shown.proxy.url not in html
    finally:
        shown.proxy.closed = set()


def test_no_page_waits_for_a_chain_that_hangs(shown: Server) -> None:
    """The follower is in the middle of a question that nobody answers."""
    asked, go_on = threading.Event(), threading.Event()

    def hangs(answer: dict[str, Any]) -> dict[str, Any]:
        asked.set()
        go_on.wait(20)
        return answer

    shown.proxy.response = hangs
    try:
        assert asked.wait(20)
        time.sleep(0.1)
        for path in ("/events", f"/address/{shown.world.game.accounts[0]}", f"/block/{shown.world.events[0].block}"):
            begin = time.monotonic()
            assert "topics and data" in shown.html(path)
            assert time.monotonic() - begin < 5.0, path
    finally:
        shown.proxy.response = same
        go_on.set()


def test_the_selector_of_a_call_is_no_secret(shown: Server) -> None:
    """A call that no shipped ABI has, to one of the federation's contracts: minting, which ERC-20 does not name."""
    world = shown.world
    sent = world.chain.do(world.federation.token.functions.mint(world.chain.accounts[5], 1))
    path = "/tx/0x" + bytes(sent["transactionHash"]).hex()
    until(lambda: shown.get(path).status_code == 200, 20)
    page = shown.whole(path)
    selector = "0x" + keccak(text="mint(address,uint256)")[:4].hex()
    assert (page["contract"], page["call"], page["selector"]) == ("token", None, selector)
    assert f"has no function {selector}" in text_of(shown.html(path))


def test_every_page_is_quick(shown: Server, record_property: Any) -> None:
    """The processor's time counts: others may keep this machine busy."""
    world = shown.world
    for path in (
        "/events",
        "/events?name=Revealed&round=1",
        "/tx/0x" + bytes(world.challenge["transactionHash"]).hex(),
        f"/block/{world.challenge['blockNumber']}",
        f"/address/{world.game.accounts[0]}",
        "/search?q=nothing+of+this+name",
        "/api",
    ):
        taken = []
        for _ in range(9):
            begin = time.process_time()
            shown.html(path)
            taken.append(time.process_time() - begin)
        median = sorted(taken)[4]
        record_property(f"page {path[:20]}: ms", round(1000 * median))
        assert median < 0.1, path


def test_what_is_kept_on_disk_does_not_say_where_the_node_is(shown: Server) -> None:
    shown.whole("/tx/0x" + bytes(shown.world.challenge["transactionHash"]).hex())
    files = {path.name: path.read_bytes() for path in shown.explorer.settings.home.iterdir()}
    assert {"events.sqlite", "transactions.sqlite"} <= set(files)
    assert any(shown.world.challenge["transactionHash"].hex().encode() in content for content in files.values())
    assert not [name for name, content in files.items() if b"127.0.0.1" in content]
