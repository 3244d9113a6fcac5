"""What strangers put into a chain, a spec or an answer is text in everything a node prints and writes, byte by byte."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fedprotocol.chain.endpoint.rpc import connect_web3
from fedprotocol.chain.errors import ContractReverted, RpcRefused, translated
from fedprotocol.printable import LONGEST_NAME, printable
from support.evm import Anvil
from support.live_federation import LiveFederation
from support.operators import operator, published
from support.proxy import Proxy
from support.sites import Site
from support.specs import DOCUMENT

FORGED = "12:00:00 INFO    round 9 is final: bafyforged"
RUDE = f"\x1b]0;owned\x07\x1b[2J[red]no\n{FORGED}\r\u202eevil\u2066\u200b\x9b\u2028{FORGED}"
CLASSES = ["a\x1b[2J", f"b\n{FORGED}"]
LOG_LINE = re.compile(r"(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d(,\d{3})? (DEBUG|INFO|WARNING|ERROR|CRITICAL) ")


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil("--block-time", "1", "--mixed-mining") as anvil:
        yield anvil


@pytest.fixture(scope="module")
def sponsor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sponsor")


@pytest.fixture(scope="module")
def federation(chain: Anvil, sponsor: Path) -> LiveFederation:
    """A rude token; a spec with what a spec may hold: classes and a template with control characters."""
    prompt = {"template": f"\x1b[2J{FORGED}\n{{prompt}}\n"}
    document = {"evaluation": {"classes": [*CLASSES, " b"]}, "prompt": prompt}
    found = published(chain, sponsor, document, mock="RudeToken")
    found.transact(found.token.functions.call(RUDE.encode()))
    return found


@pytest.fixture
def site(federation: LiveFederation, sponsor: Path, tmp_path: Path) -> Site:
    return operator(tmp_path / "site", federation, federation.new_account(), sponsor)


def clean(data: bytes) -> str:
    """`data` as text, in which nothing but line breaks is more than a visible character."""
    text = data.decode("utf-8")
    for line in text.split("\n"):
        assert printable(line) == line, line
    return text


def said(site: Site, *arguments: str) -> str:
    """Standard output and error of a command, clean."""
    done = site.command(*arguments, check=False)
    text = clean(done.stdout.encode() + done.stderr.encode())
    assert not [line for line in text.split("\n") if line.startswith(FORGED)], text
    return text


def test_a_symbol_is_short_text_in_every_command(federation: LiveFederation, site: Site) -> None:
    shown = printable(RUDE, LONGEST_NAME)
    assert federation.coordinator.token.symbol() == shown
    for arguments in (("status",), ("doctor",), ("join",), ("status",), ("claim",), ("rounds",)):
        text = said(site, *arguments)
        assert "Traceback" not in text
        assert arguments[0] in ("claim", "rounds") or shown in text, text
    assert json.loads(said(site, "status", "--json"))["chain"]["stake"] > 0


def test_a_symbol_that_is_no_text_stops_nothing(federation: LiveFederation, site: Site) -> None:
    federation.transact(federation.token.functions.call(b"\xff\xfe\x1b"))
    try:
        assert "stake 0 tokens" in said(site, "status")
    finally:
        federation.transact(federation.token.functions.call(RUDE.encode()))


def test_why_a_token_refuses_is_one_line(federation: LiveFederation, site: Site) -> None:
    federation.transact(federation.token.functions.refuse((RUDE + 5000 * "x").encode()))
    try:
        text = said(site, "join")
        refusal = text[text.index("error: ") :]
        assert r"[red]no\n12:00:00 INFO" in refusal and len(refusal) < 1000, text
        assert r"[red]no\n12:00:00 INFO" not in said(site, "doctor"), "it is how tokens refuse what is not approved"
    finally:
        federation.transact(federation.token.functions.refuse(b""))


def test_a_spec_with_such_a_name_is_refused(site: Site) -> None:
    folder = site.folder / "spec"
    folder.mkdir()
    for field, changes in {
        "name": {"name": f"Ward notes\n{FORGED}"},
        "base_model.id": {"base_model": {**DOCUMENT["base_model"], "id": RUDE}},
        "layout.tensors.0.name": {
            "layout": {**DOCUMENT["layout"], "tensors": [{"name": "q\u202eA", "shape": [200]}]},
        },
    }.items():
        (folder / "spec.json").write_text(json.dumps({**DOCUMENT, **changes}))
        text = said(site, "spec", "show", str(folder))
        assert f"{field}: must hold no control characters" in text, text


@pytest.mark.parametrize("form", ["human", "json"])
def test_what_a_daemon_logs_and_writes(form: str, federation: LiveFederation, sponsor: Path, tmp_path: Path) -> None:
    """The chain's node begins to answer rudely while the daemon runs."""
    is_rude = False

    def answer(message: dict[str, Any]) -> dict[str, Any]:
        problem = {"code": -32000, "message": RUDE + 20_000 * "x", "data": RUDE}
        return {"jsonrpc": "2.0", "id": message.get("id", 1), "error": problem} if is_rude else message

    with Proxy(federation.chain.url, response=answer) as proxy:
        account = federation.new_account()
        site = operator(tmp_path / "site", federation, account, sponsor, chain={"rpc": [proxy.url]})
        site.command("join")
        site.run("--log-format", form)
        try:
            wait(site, lambda: "12:00:00" not in status(site) and "activity" in status(site))
            is_rude = True
            wait(site, lambda: "12:00:00 INFO" in status(site))
            wait(site, lambda: "12:00:00 INFO" in site.console())
        finally:
            site.kill()
        said(site, "status")

    text = clean((site.home / "status.json").read_bytes())
    assert len(text) < 10_000 and text.count("\n") == 1
    assert "12:00:00" in json.loads(text)["activity"]
    log = clean((site.home / "logs" / "fednode.log").read_bytes())
    console = clean((site.folder / "console.txt").read_bytes())
    for written in (log, console) if form == "human" else (log,):
        for line in written.removesuffix("\n").split("\n"):
            assert (LOG_LINE.match(line) and not line.startswith(FORGED)) or line.startswith("    "), line
    if form == "json":
        assert all(json.loads(line)["message"] for line in console.removesuffix("\n").split("\n"))


def status(site: Site) -> str:
    path = site.home / "status.json"
    return path.read_text() if path.exists() else ""


def wait(site: Site, reached: Any) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline, site.console()[-3000:]
        time.sleep(0.1)


def test_errors_are_short_where_they_are_made(federation: LiveFederation) -> None:
    reverted = ContractReverted("Error", {"message": RUDE + 100_000 * "x"}, "join")
    assert printable(str(reverted)) == str(reverted) and len(str(reverted)) < 600
    refused = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": RUDE + 100_000 * "x"}}
    with Proxy(federation.chain.url, response=lambda _: refused if rude else _) as proxy:
        rude = False
        web3 = connect_web3(proxy.url, federation.coordinator.chain_id)
        rude = True
        with pytest.raises(RpcRefused) as caught, translated("eth_gasPrice"):
            _ = web3.eth.gas_price
    assert printable(str(caught.value)) == str(caught.value) and len(str(caught.value)) < 600
