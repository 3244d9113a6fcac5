"""Signers: a keystore's key, and a remote one that is a real anvil, honest or with somebody in between."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from fedprotocol.chain.account import keys
from fedprotocol.chain.account.keys import KeystoreError, PasswordError
from fedprotocol.chain.account.message import SIZE, signer_of
from fedprotocol.chain.account.remote_signer import RemoteSigner
from fedprotocol.chain.account.signer import KeystoreSigner, NoAccount, address_of, open_signer
from fedprotocol.chain.endpoint.rpc import connect_web3
from fedprotocol.chain.errors import SignerError
from fedprotocol.chain.send.fees import FeePolicy
from fedprotocol.chain.send.sender import Sender
from fedprotocol.config import AccountConfig
from fedprotocol.journal import Journal
from pydantic import ValidationError
from support.deployed import CHAIN_ID, Deployed, give
from support.evm import Anvil
from support.proxy import Proxy

SOMEBODY = "0x000000000000000000000000000000000000dEaD"
TRANSACTION = {
    "type": 2,
    "chainId": CHAIN_ID,
    "nonce": 7,
    "to": bytes.fromhex(SOMEBODY[2:]),
    "data": b"\x01\x02",
    "value": 0,
    "gas": 50_000,
    "maxFeePerGas": 10**10,
    "maxPriorityFeePerGas": 10**9,
}

FEES = ("type", "maxFeePerGas", "maxPriorityFeePerGas")
LEGACY = {name: value for name, value in TRANSACTION.items() if name not in FEES} | {"gasPrice": 10**10}


@pytest.fixture(scope="module")
def vault() -> Iterator[Anvil]:
    """Holds keys; nothing is sent to it."""
    with Anvil() as anvil:
        yield anvil


@pytest.fixture(scope="module")
def federation() -> Iterator[Deployed]:
    with Anvil("--mnemonic-seed-unsafe", "5") as chain:
        yield Deployed.on(chain)


def test_a_transaction_signed_elsewhere_is_mined(vault: Anvil, federation: Deployed, tmp_path: Path) -> None:
    signer = RemoteSigner.connect(vault.url, vault.accounts[0].lower())
    assert signer.address == vault.accounts[0] not in federation.chain.accounts
    give(federation.chain, signer, 10**18)
    with Journal(tmp_path / "journal") as journal:
        web3 = connect_web3(federation.chain.url, CHAIN_ID)
        sender = Sender(web3, signer, journal, FeePolicy(poll=0.05))
        receipt = sender.send(federation.coordinator().token.contract.functions.approve(SOMEBODY, 5), "approve")
        assert receipt["from"] == signer.address
        [tx] = journal.outbox_all()
        assert (tx.state, tx.hash) == ("mined", bytes(receipt["transactionHash"]))


def test_both_signers_sign_the_same(vault: Anvil, tmp_path: Path) -> None:
    Account.enable_unaudited_hdwallet_features()
    account = Account.from_mnemonic("test test test test test test test test test test test junk")
    keys.save(tmp_path / "key.json", account, "correct horse", iterations=2)
    password = tmp_path / "password.txt"
    password.touch(mode=0o600)
    password.write_text("correct horse")
    own = open_signer(AccountConfig(keystore=tmp_path / "key.json", password_file=password))
    remote = open_signer(AccountConfig(signer=vault.url, address=vault.accounts[0]))
    assert own.address == remote.address == vault.accounts[0]
    assert own.sign_transaction(dict(TRANSACTION)) == remote.sign_transaction(dict(TRANSACTION))
    assert own.sign_transaction(dict(LEGACY)) == remote.sign_transaction(dict(LEGACY)), "where there is no base fee"
    assert account.key.hex() not in repr(vars(own)) and not hasattr(own, "key")


def test_both_signers_sign_the_same_text(vault: Anvil) -> None:
    Account.enable_unaudited_hdwallet_features()
    own = KeystoreSigner(Account.from_mnemonic("test test test test test test test test test test test junk"))
    remote = RemoteSigner.connect(vault.url, vault.accounts[0])
    text = "I approve.\nby: Zoë"
    signature = remote.sign_text(text)
    assert signature == own.sign_text(text) and len(signature) == SIZE
    assert signer_of(text, signature) == vault.accounts[0]
    assert signer_of(text + " ", signature) != vault.accounts[0]
    assert signer_of(text, signature[:-1]) is None and signer_of(text, bytes(SIZE)) is None


@pytest.mark.parametrize(
    ("answer", "words"), [("0x" + 130 * "1", "did not sign"), ("0x12", "did not sign"), ([1], "sends no signature")]
)
def test_a_text_that_was_not_signed(vault: Anvil, answer: Any, words: str) -> None:
    def response(answered: dict[str, Any]) -> dict[str, Any]:
        return {**answered, "result": answer} if isinstance(answered.get("result"), str) else answered

    with Proxy(vault.url, response=response) as liar:
        signer = RemoteSigner.connect(liar.url, vault.accounts[0])
        with pytest.raises(SignerError, match=words):
            signer.sign_text("I approve.")


def changed(**fields: str) -> Any:
    def request(asked: dict[str, Any]) -> dict[str, Any]:
        if asked["method"] == "eth_signTransaction":
            asked["params"][0] |= fields
        return asked

    return request


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"to": "0x" + "11" * 20}, "to not as asked"),
        ({"value": "0x1"}, "value not as asked"),
        ({"nonce": "0x8"}, "nonce not as asked"),
        ({"gas": "0x1"}, "gas not as asked"),
        ({"maxFeePerGas": "0xffffffffffff"}, "maxFeePerGas not as asked"),
        ({"maxPriorityFeePerGas": "0x2"}, "maxPriorityFeePerGas not as asked"),
        ({"data": "0x0103"}, "data not as asked"),
        ({"accessList": [{"address": "0x" + "11" * 20, "storageKeys": []}]}, "accessList not as asked"),
    ],
)
def test_another_transaction_is_refused(vault: Anvil, fields: dict[str, Any], named: str) -> None:
    with Proxy(vault.url, request=changed(**fields)) as liar:
        signer = RemoteSigner.connect(liar.url, vault.accounts[0])
        with pytest.raises(SignerError, match=f"signed another transaction: {named}"):
            signer.sign_transaction(TRANSACTION)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"to": "0x" + "11" * 20}, "to not as asked"),
        ({"value": "0x1"}, "value not as asked"),
        ({"nonce": "0x8"}, "nonce not as asked"),
        ({"gas": "0x1"}, "gas not as asked"),
        ({"gasPrice": "0xffffffffffff"}, "gasPrice not as asked"),
        ({"data": "0x0103"}, "data not as asked"),
    ],
)
def test_another_legacy_transaction_is_refused(vault: Anvil, fields: dict[str, Any], named: str) -> None:
    with Proxy(vault.url, request=changed(**fields)) as liar:
        signer = RemoteSigner.connect(liar.url, vault.accounts[0])
        with pytest.raises(SignerError, match=f"signed another transaction: {named}"):
            signer.sign_transaction(LEGACY)


@pytest.mark.parametrize("asked", [TRANSACTION, LEGACY])
def test_bytes_behind_and_what_is_of_another_form(vault: Anvil, asked: dict[str, Any]) -> None:
    other = LEGACY if asked is TRANSACTION else TRANSACTION
    signed = RemoteSigner(vault.url, vault.accounts[0]).sign_transaction(dict(other)).raw_transaction.hex()
    for result in (f"0x{signed}", f"0x{signed}00", "0xc0", "0xc3010203"):
        with (
            Proxy(vault.url, response=lambda answer, result=result: answer | {"result": result}) as liar,
            pytest.raises(SignerError, match=r"no signed (EIP-1559|legacy) transaction"),
        ):
            RemoteSigner(liar.url, vault.accounts[0]).sign_transaction(dict(asked))


def test_a_signer_of_another_chain() -> None:
    with Anvil("--chain-id", "1") as other:
        signer = RemoteSigner.connect(other.url, other.accounts[0])
        with pytest.raises(SignerError, match=r"refuses eth_signTransaction: .*chain ID"):
            signer.sign_transaction(TRANSACTION)
        elsewhere = Proxy(other.url, request=changed(chainId="0x1"))
        with elsewhere as liar, pytest.raises(SignerError, match="chainId not as asked"):
            RemoteSigner(liar.url, signer.address).sign_transaction(TRANSACTION)
        with (
            Proxy(other.url, request=changed(chainId="0x1")) as liar,
            pytest.raises(SignerError, match="chainId not as"),
        ):
            RemoteSigner(liar.url, signer.address).sign_transaction(LEGACY)


def test_another_key_is_refused(vault: Anvil) -> None:
    with Proxy(vault.url, request=changed(**{"from": vault.accounts[1]})) as liar:
        signer = RemoteSigner.connect(liar.url, vault.accounts[0])
        with pytest.raises(SignerError, match=f"with the key of {vault.accounts[1]}, not of {vault.accounts[0]}"):
            signer.sign_transaction(TRANSACTION)
    with pytest.raises(SignerError, match=f"holds no key of {SOMEBODY}"):
        RemoteSigner.connect(vault.url, SOMEBODY)


@pytest.mark.parametrize(
    ("result", "named"),
    [
        ("0x", "no signed EIP-1559 transaction"),
        ("0x02", "no signed EIP-1559 transaction"),
        ("0x02c0", "no signed EIP-1559 transaction"),
        ("nonsense", "no signed EIP-1559 transaction"),
        (None, "no signed EIP-1559 transaction"),
        (5, "no signed EIP-1559 transaction"),
        ({"tx": {}}, "no signed EIP-1559 transaction"),
    ],
)
def test_what_is_no_signed_transaction(vault: Anvil, result: Any, named: str) -> None:
    with Proxy(vault.url, response=lambda answer: answer | {"result": result}) as liar:
        signer = RemoteSigner(liar.url, vault.accounts[0])
        with pytest.raises(SignerError, match=named):
            signer.sign_transaction(TRANSACTION)


def test_trailing_bytes_and_legacy_transactions_are_refused(vault: Anvil) -> None:
    longer = Proxy(vault.url, response=lambda answer: answer | {"result": answer["result"] + "00"})
    with longer as liar, pytest.raises(SignerError, match="no signed EIP-1559"):
        RemoteSigner(liar.url, vault.accounts[0]).sign_transaction(TRANSACTION)

    def legacy(asked: dict[str, Any]) -> dict[str, Any]:
        [fields] = asked["params"]
        for name in ("type", "maxFeePerGas", "maxPriorityFeePerGas"):
            del fields[name]
        return changed(gasPrice="0x2540be400")(asked)

    with Proxy(vault.url, request=legacy) as liar, pytest.raises(SignerError, match="no signed EIP-1559"):
        RemoteSigner(liar.url, vault.accounts[0]).sign_transaction(TRANSACTION)


def test_the_answer_of_geth(vault: Anvil) -> None:
    """It gives the fields beside the bytes; only the bytes count."""
    with Proxy(vault.url, response=lambda a: a | {"result": {"raw": a["result"], "tx": {"nonce": "0x99"}}}) as geth:
        signed = RemoteSigner(geth.url, vault.accounts[0]).sign_transaction(TRANSACTION)
    assert signed == RemoteSigner(vault.url, vault.accounts[0]).sign_transaction(TRANSACTION)


def test_a_signer_that_refuses_or_does_not_answer(vault: Anvil) -> None:
    me = vault.accounts[0]
    denied = Proxy(vault.url, response=lambda _: {"id": 1, "error": {"code": -32000, "message": "request denied"}})
    refused = json.dumps({"id": 1, "error": {"code": -32000, "message": "request denied"}}).encode()
    with Proxy(vault.url, response=lambda _: (400, refused)) as no, pytest.raises(SignerError, match="request denied"):
        RemoteSigner.connect(no.url, me)
    with denied as no, pytest.raises(SignerError, match=r"http://127.0.0.1:\d+ refuses eth_accounts: request denied"):
        RemoteSigner.connect(no.url, me)
    with Proxy(vault.url, response=lambda _: b"<html>") as web, pytest.raises(SignerError, match="no JSON-RPC answer"):
        RemoteSigner.connect(web.url, me)
    with Proxy(vault.url, response=lambda _: None) as cut:
        with pytest.raises(SignerError, match=r"does not answer within 5 s \(it closes the connection"):
            RemoteSigner.connect(cut.url, me, timeout=5)
        closed = cut.url.replace("http://", "http://user:secret@") + "/token"
    with pytest.raises(SignerError, match=r"the signer http://127.0.0.1:\d+ does not answer") as away:
        RemoteSigner.connect(closed, me)
    assert "secret" not in str(away.value) and "token" not in str(away.value)
    with Proxy(vault.url, response=lambda _: time.sleep(3)) as slow:  # type: ignore[func-returns-value]
        started = time.monotonic()
        with pytest.raises(SignerError, match=r"does not answer within 0.5 s \(no answer within 0.5 s\)"):
            RemoteSigner.connect(slow.url, me, timeout=0.5)
        assert time.monotonic() - started < 3  # it sleeps as long


def test_a_replacement_that_nobody_signs_is_no_failure(vault: Anvil, federation: Deployed, tmp_path: Path) -> None:
    chain = federation.chain
    with Proxy(vault.url) as proxy, Journal(tmp_path / "journal") as journal, ThreadPoolExecutor(1) as pool:
        signer = RemoteSigner.connect(proxy.url, vault.accounts[1])
        give(chain, signer, 10**18)
        web3 = connect_web3(chain.url, CHAIN_ID)
        sender = Sender(web3, signer, journal, FeePolicy(poll=0.05, replace_after=0.1))
        call = federation.coordinator().token.contract.functions.approve(SOMEBODY, 5)

        def once(asked: dict[str, Any]) -> dict[str, Any]:
            signatures = [s for s in proxy.seen if s["method"] == "eth_signTransaction"]
            return asked if len(signatures) < 2 else {**asked, "method": "eth_nonsense"}

        proxy.request = once
        chain.rpc("evm_setAutomine", False)
        try:
            sent = pool.submit(sender.send, call, "approve")
            end = time.monotonic() + 15
            while len(proxy.seen) < 4:
                assert time.monotonic() < end and not sent.done()
                time.sleep(0.02)
            chain.rpc("evm_mine")
            assert sent.result(timeout=20)["status"] == 1
        finally:
            chain.rpc("evm_setAutomine", True)
        assert [tx.state for tx in journal.outbox_all()] == ["mined"]


def test_whose_account_it_is(tmp_path: Path) -> None:
    account = keys.create(tmp_path / "key.json", "correct horse", iterations=2)
    assert address_of(AccountConfig(keystore=tmp_path / "key.json")) == account.address
    assert address_of(AccountConfig(signer="http://127.0.0.1:1", address=SOMEBODY)) == SOMEBODY
    for ask in (address_of, open_signer):
        with pytest.raises(NoAccount, match="set \\[account\\] keystore, or signer and address"):
            ask(AccountConfig())  # type: ignore[operator]
    with pytest.raises(KeystoreError, match="no keystore"):
        address_of(AccountConfig(keystore=tmp_path / "none.json"))
    wrong = tmp_path / "password.txt"
    wrong.touch(mode=0o600)
    wrong.write_text("not this one")
    with pytest.raises(PasswordError, match="wrong password"):
        KeystoreSigner.open(tmp_path / "key.json", wrong)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"signer": "http://127.0.0.1:1"}, "belong together"),
        ({"address": SOMEBODY}, "belong together"),
        ({"signer": "http://127.0.0.1:1", "address": SOMEBODY, "keystore": "key.json"}, "exclude each other"),
        ({"password_file": "password.txt"}, "belongs to a keystore"),
        ({"signer": "127.0.0.1:1", "address": SOMEBODY}, "http:// or https://"),
    ],
)
def test_an_account_that_contradicts_itself(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        AccountConfig.model_validate(fields)
