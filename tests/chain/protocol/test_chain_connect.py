"""Connecting: every way it fails says what to do, and one dead endpoint is not the end."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fedprotocol.chain import errors
from fedprotocol.chain.abi import load, snake
from fedprotocol.chain.endpoint.rpc import FallbackProvider, connect_web3, public_name
from fedprotocol.chain.errors import (
    ChainError,
    ChainUnreachable,
    ContractReverted,
    NoContract,
    NotACoordinator,
    RpcRefused,
    WrongChain,
    decode_revert,
    sentence,
    told,
    translated,
)
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.errors import FedError
from fedprotocol.types import Phase
from support.deployed import CHAIN_ID, Deployed
from support.evm import Anvil
from support.ports import free_port
from support.proxy import Proxy
from web3.types import FilterParams, RPCEndpoint, RPCResponse


@pytest.fixture(scope="module")
def federation() -> Iterator[Deployed]:
    with Anvil() as chain:
        yield Deployed.on(chain)


@pytest.fixture(scope="module")
def other_chain() -> Iterator[Anvil]:
    with Anvil("--chain-id", "4242") as chain:
        yield chain


@pytest.fixture
def dead() -> str:
    return f"http://user:secret@127.0.0.1:{free_port()}/v2/api-key-1234"


@contextmanager
def serving(body: bytes, status: int = 200) -> Iterator[str]:
    """A web server that is no Ethereum node."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_connects(federation: Deployed) -> None:
    coordinator = federation.coordinator()
    assert coordinator.config().total_rounds == 3
    assert coordinator.address == federation.contract.address


def test_a_read_is_one_request(federation: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    answer = FallbackProvider.make_request

    def counted(self: FallbackProvider, method: RPCEndpoint, params: Any) -> RPCResponse:
        asked.append(method)
        return answer(self, method, params)

    monkeypatch.setattr(FallbackProvider, "make_request", counted)
    coordinator = Coordinator.connect(federation.chain.url, federation.contract.address, CHAIN_ID)
    asked.clear()
    assert coordinator.last_opened() == 0
    assert asked == ["eth_call"]


def test_the_next_endpoint_is_tried(federation: Deployed, dead: str) -> None:
    coordinator = Coordinator.connect([dead, federation.chain.url], federation.contract.address.lower(), CHAIN_ID)
    assert coordinator.last_opened() == 0


@pytest.mark.parametrize("code", [-32601, -32005, 429])
def test_an_endpoint_with_a_limit_is_passed_over_for_that_request(federation: Deployed, code: int) -> None:
    chain = federation.chain

    def limited(answer: dict[str, Any]) -> dict[str, Any]:
        refused = proxy.seen[-1]["method"] == "eth_getLogs"
        return {"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": "not today"}} if refused else answer

    with Proxy(chain.url, response=limited) as proxy:
        both, span = connect_web3([proxy.url, chain.url], CHAIN_ID), FilterParams(fromBlock=0, toBlock=9)
        assert both.eth.get_logs(span) == chain.web3.eth.get_logs(span)
        proxy.seen.clear()
        assert both.eth.block_number == chain.web3.eth.block_number
        assert [asked["method"] for asked in proxy.seen] == ["eth_blockNumber"], "it is still the first for the rest"
        with pytest.raises(RpcRefused, match="not today"), translated():
            connect_web3([proxy.url], CHAIN_ID).eth.get_logs(span)


def test_unreachable_names_the_endpoint_without_its_secrets(federation: Deployed, dead: str) -> None:
    with pytest.raises(ChainUnreachable, match=r"no RPC endpoint answers: http://127\.0\.0\.1:\d+ \(") as nobody:
        Coordinator.connect(dead, federation.contract.address, CHAIN_ID)
    assert "secret" not in str(nobody.value)
    assert "1234" not in str(nobody.value)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"<html>It works!</html>", 200),
        (b"{}", 200),
        (b'{"jsonrpc":"2.0","id":1,"result":null}', 200),
        (b"[]", 200),
        (b"", 200),
        (b"no", 500),
        (b"\xff\xfe", 200),
        (b'{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}', 200),
    ],
)
def test_something_else_at_the_port(federation: Deployed, body: bytes, status: int) -> None:
    with serving(body, status) as url:
        with pytest.raises(ChainUnreachable):
            Coordinator.connect(url, federation.contract.address, CHAIN_ID)
        assert Coordinator.connect([url, federation.chain.url], federation.contract.address, CHAIN_ID)


def test_wrong_chain(federation: Deployed, other_chain: Anvil) -> None:
    with pytest.raises(WrongChain, match="serves chain 4242, this federation is on chain 31337"):
        Coordinator.connect(other_chain.url, federation.contract.address, CHAIN_ID)


def test_an_endpoint_of_another_chain_is_not_fallen_back_to(other_chain: Anvil) -> None:
    with Anvil() as chain:
        web3 = connect_web3([chain.url, other_chain.url], CHAIN_ID)
        assert web3.eth.block_number == 0
    with pytest.raises(WrongChain):
        _ = web3.eth.block_number


def test_no_contract_there(federation: Deployed) -> None:
    with pytest.raises(NoContract, match=r"no contract at 0x0{36}bEEF on chain 31337"):
        Coordinator.connect(federation.chain.url, "0x" + "0" * 36 + "beef", CHAIN_ID)


def test_another_contract_there(federation: Deployed) -> None:
    for other in (federation.token.address, federation.contract.functions.config().call()[1]):
        with pytest.raises(NotACoordinator, match="no FederationCoordinator"):
            Coordinator.connect(federation.chain.url, other, CHAIN_ID)


@pytest.mark.parametrize("address", ["", "0x12", "coordinator.eth", "0x5fbDB2315678afecb367f032d93F642f64180aa3"])
def test_no_address(federation: Deployed, address: str) -> None:
    with pytest.raises(ChainError, match=r"must be an Ethereum address|wrong checksum"):
        Coordinator.connect(federation.chain.url, address, CHAIN_ID)


@pytest.mark.parametrize("url", ["", "localhost:8545", "ws://localhost:1", "file:///etc/passwd", "http://"])
def test_no_url(url: str) -> None:
    with pytest.raises(ChainError, match="http"):
        connect_web3(url, 1)
    with pytest.raises(ChainError, match="no RPC endpoint is configured"):
        connect_web3([], 1)


def test_public_name() -> None:
    assert public_name("https://u:p@host.org:8/v3/key?x=y") == "https://host.org:8"


@pytest.mark.parametrize("fault", [KeyError(), ValueError(), TypeError(), UnicodeDecodeError("utf-8", b"", 0, 1, "")])
def test_own_faults_are_the_nodes_around_a_read_alone(fault: Exception) -> None:
    with pytest.raises(ChainError), translated():
        raise fault
    with pytest.raises(type(fault)), told():
        raise fault


def test_every_sentence_is_of_a_real_error() -> None:
    """Its fields are the error's own, so that formatting cannot fail when it matters."""
    declared = {
        e["name"]: {snake(i["name"]): i["type"] for i in e["inputs"]}
        for name in ("coordinator", "disputes", "rule", "errors")
        for e in load(name)
        if e["type"] == "error"
    }
    for name in errors._SENTENCES:
        arguments = declared.get(name, {"message": "string", "data": "string"})
        assert sentence(name, dict.fromkeys(arguments, b"\x01")).endswith(f"[{name}]")


def test_undeclared_reverts_are_shown_as_they_are() -> None:
    assert decode_revert("0xdeadbeef", "execution reverted").name == "Unknown"
    assert "0xdeadbeef" in str(decode_revert("0xdeadbeef", "execution reverted"))
    assert str(decode_revert(None, "execution reverted: no")) == "execution reverted: no [Error]"
    for junk in ("no data", {"a": 1}, b"", "0x", "0x12", 7, "0xzz"):
        assert isinstance(decode_revert(junk, "m"), ContractReverted)
    wrong_phase = "0x" + next(s for s, e in errors._selectors().items() if e["name"] == "WrongPhase").hex()
    assert decode_revert(wrong_phase + "00", "m").name == "Unknown", "truncated arguments"
    assert decode_revert(wrong_phase + "00" * 95 + "63", "m").name == "Unknown", "no such phase"
    text_nowhere = next(s for s, e in errors._selectors().items() if e["name"] == "BadConfig") + b"\x26" * 100
    assert decode_revert(text_nowhere, "m").name == "Unknown", "a text of 10^76 bytes"
    text_at_32 = text_nowhere[:4] + (32).to_bytes(32) + b"\x26" * 100
    assert decode_revert(text_at_32, "m").name == "Unknown", "a text of 10^76 bytes"
    assert (
        json.dumps(decode_revert(wrong_phase + "00" * 96, "m").arguments) == '{"round": 0, "expected": 0, "actual": 0}'
    )


def test_a_value_of_a_later_version_is_named() -> None:
    with pytest.raises(FedError, match="Phase 12, which this version does not know"):
        Phase(12)
    wrong_phase = "0x" + next(s for s, e in errors._selectors().items() if e["name"] == "WrongPhase").hex()
    error = errors.decode_revert(wrong_phase + (1).to_bytes(32).hex() + 2 * (12).to_bytes(32).hex(), "")
    assert error.name == "Unknown"
