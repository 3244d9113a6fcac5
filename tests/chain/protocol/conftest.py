"""Fixtures of the sender's tests: a federation on an anvil of one's own, an account with money, its journal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount
from fedprotocol.chain.endpoint.rpc import connect_web3
from fedprotocol.chain.read.token import Token
from support.deployed import CHAIN_ID, Deployed
from support.evm import Anvil


@pytest.fixture(scope="module")
def federation() -> Iterator[Deployed]:
    with Anvil("--order", "fifo") as chain:
        yield Deployed.on(chain)


@pytest.fixture
def chain(federation: Deployed) -> Iterator[Anvil]:
    yield federation.chain
    federation.chain.rpc("anvil_dropAllTransactions")
    federation.chain.rpc("evm_setAutomine", True)


@pytest.fixture
def account(federation: Deployed) -> LocalAccount:
    return federation.account()


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def token(federation: Deployed) -> Token:
    return Token(connect_web3(federation.chain.url, CHAIN_ID), federation.token.address)
