"""Several RPC endpoints are compared before something is sent; one that lies stops it, one that is away does not."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from fedprotocol.chain.read.agreement import Agreement, EndpointsDisagree
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.token import Token
from fedprotocol.chain.send.fees import FeePolicy
from fedprotocol.chain.send.sender import Sender
from fedprotocol.journal import Journal
from support.deployed import CHAIN_ID, GENESIS, Deployed
from support.proxy import Proxy
from support.sending import outbox, transfer

OTHER = bytes([8]) * 32


def sending(federation: Deployed, account: LocalAccount, journal: Path, *urls: str) -> Sender:
    coordinator = Coordinator.connect(urls, federation.contract.address, CHAIN_ID)
    agreement = Agreement(coordinator, account.address, confirmations=0)
    return Sender(coordinator.web3, account, Journal(journal), FeePolicy(poll=0.05), agreement=agreement)


@pytest.fixture
def liar(federation: Deployed) -> Iterator[Proxy]:
    """It tells another genesis, wherever it can."""

    def changed(answer: dict[str, Any]) -> dict[str, Any]:
        return json.loads(json.dumps(answer).replace(GENESIS.hex(), OTHER.hex()))  # type: ignore[no-any-return]

    with Proxy(federation.chain.url, response=changed) as proxy:
        yield proxy


def test_a_lie_of_one_stops_everything_but_what_the_contract_judges(
    federation: Deployed, account: LocalAccount, journal: Path, token: Token, liar: Proxy
) -> None:
    for urls in ((liar.url, federation.chain.url), (federation.chain.url, liar.url)):
        s = sending(federation, account, journal.with_name(f"{urls.index(liar.url)}.sqlite"), *urls)
        with pytest.raises(
            EndpointsDisagree, match=f"{urls[0]} and {urls[1]} disagree about block .*latest_final"
        ) as e:
            s.send(transfer(token, 5), "transfer")
        assert "genesis_root" not in str(e.value) and "config" in str(e.value)
        assert outbox(s) == []
    assert s.send(transfer(token, 5), "transfer", gas_bound=200_000)["status"] == 1
    sending(federation, account, journal, liar.url).send(transfer(token, 5), "one has nobody to be compared with")


def head(url: str, number: Any) -> Proxy:
    """An endpoint that says its head is that block; of later ones it knows nothing."""

    def changed(answer: dict[str, Any]) -> dict[str, Any]:
        asked = proxy.seen[-1]
        if asked["method"] == "eth_blockNumber":
            return {**answer, "result": hex(number)}
        if asked["method"] == "eth_call" and asked["params"][1] not in ("pending", "latest"):
            return {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "header not found"}}
        return answer

    proxy = Proxy(url, response=changed)
    return proxy


@pytest.mark.parametrize("number", [0, 3, 10**9])
def test_one_that_lags_or_runs_ahead_is_no_disagreement(
    federation: Deployed, account: LocalAccount, journal: Path, token: Token, number: int
) -> None:
    with head(federation.chain.url, number) as odd:
        s = sending(federation, account, journal, odd.url, federation.chain.url)
        assert s.send(transfer(token, 5), "transfer")["status"] == 1


@pytest.mark.parametrize("number", [0, 10**9])
def test_a_third_that_is_odd_hides_no_lie(
    federation: Deployed, account: LocalAccount, journal: Path, token: Token, liar: Proxy, number: int
) -> None:
    with head(federation.chain.url, number) as odd:
        s = sending(federation, account, journal, odd.url, federation.chain.url, liar.url)
        with pytest.raises(EndpointsDisagree):
            s.send(transfer(token, 5), "transfer")


def test_one_that_is_away_is_gone_on_without(
    federation: Deployed, account: LocalAccount, journal: Path, token: Token, caplog: pytest.LogCaptureFixture
) -> None:
    with Proxy(federation.chain.url) as gone:
        s = sending(federation, account, journal, gone.url, federation.chain.url)
    with caplog.at_level(logging.WARNING):
        assert s.send(transfer(token, 5), "transfer")["status"] == 1
    assert f"not compared with what does not answer: {gone.url}" in caplog.text
